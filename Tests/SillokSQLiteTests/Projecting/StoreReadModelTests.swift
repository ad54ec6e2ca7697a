import Foundation
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@Suite("the read model in the store's file")
struct StoreReadModelTests {
    @Test("async and live projections write to it during appends, with restarts", arguments: [Storage.sqlite, .folder])
    func otherLifecycles(on storage: Storage) async throws {
        var random = SeededGenerator.printed("otherLifecycles")
        var books = try await InlineBooks(storage)
        for account in 1...5 { try await books.append(.opened(owner: "Ada"), account) }
        for _ in 1...3 {
            let projector = Projector(
                Balances(), from: books.store, into: books.model, options: .init(partitions: 2, batch: 7))
            var name = AccountDocuments()
            name.name = "documents"
            let live = Projector(documents: name, .live, from: books.store, into: books.model)
            try await running(projector) {
                for _ in 1...60 {
                    try await books.append(
                        .deposited(cents: .random(in: 1...9, using: &random)), .random(in: 1...5, using: &random))
                }
                let head = try await books.store.head()
                _ = try await projector.model(atLeast: head, within: .seconds(120))
                let told = try await live.model(atLeast: head, within: .seconds(120))
                let sums = try await told.rows("SELECT SUM(json_extract(document, '$.cents')) AS sum FROM documents")
                #expect(sums.first?["sum"].integer == Int64(books.expected.values.joined().reduce(0, +)))
            }
            try await books.expectTold()
            try await books.reopen()
        }
        await books.store.close()
    }

    @Test("the log's tables are its own: no statement changes them, and a refused write changes nothing")
    func protectsTheLog() async throws {
        var books = try await InlineBooks()
        try await books.attached()
        try await books.append(.opened(owner: "Ada"), 1)
        let statements: [SQL] = [
            "DELETE FROM events", "UPDATE Events SET payload = x''", "INSERT INTO names VALUES (9, 0, x'', 0, 0)",
            "DROP TABLE tracking", "ALTER TABLE marks ADD COLUMN more", "CREATE INDEX i ON entries (position)",
            "CREATE TRIGGER t AFTER INSERT ON entries BEGIN SELECT 1; END", "COMMIT", "ROLLBACK", "SAVEPOINT part",
            "INSERT OR ROLLBACK INTO sillok_audit SELECT * FROM sillok_audit", "PRAGMA synchronous = OFF", "VACUUM",
            "ATTACH 'other.sqlite' AS other",
        ]
        for statement in statements {
            let write = ReadModelWrite([.init("DELETE FROM balances_v1_accounts"), .init(statement)])
            await #expect(throws: ChangeFailed.self, "\(statement.text { "?\($0)" })") {
                try await books.model.write(write)
            }
        }
        let condition = ReadModelWrite.Condition("SELECT 1", gives: [[2]])
        await #expect(throws: ConditionFailed.self) {
            try await books.model.write(ReadModelWrite([.init("DELETE FROM sillok_builds")], if: [condition]))
        }
        let error = await #expect(throws: StoreError.self) { try await books.model.rows("DELETE FROM sillok_audit") }
        #expect(error?.code == .invalidQuery)
        try await books.append(.deposited(cents: 1), 1)
        try await books.expectTold()
        await books.store.close()
    }

    @Test("a store that is open for reading has its rows and refuses writes; one without projections reports that")
    func readOnly() async throws {
        var books = try await InlineBooks()
        try await books.append(.opened(owner: "Ada"), 1)
        let early = try SQLiteEventStore(path: books.place.folder("log"), mode: .readOnly)
        let none = await #expect(throws: StoreError.self) { try await early.readModel.rows("SELECT 1") }
        #expect(none?.code == .notFound)
        try await books.attached()
        try await books.append(.deposited(cents: 3), 1)
        let rows = try await early.readModel.rows("SELECT cents FROM accounts")
        #expect(rows.map(\.values) == [[3]])
        let refused = await #expect(throws: StoreError.self) {
            try await early.readModel.write(ReadModelWrite([.init("DELETE FROM accounts")]))
        }
        #expect(refused?.code == .readOnly)
        await early.close()
        await books.store.close()
        await #expect(throws: StoreError.self) { try await books.model.rows("SELECT 1") }
        await #expect(throws: StoreError.self) { try await books.model.write(ReadModelWrite([.init("SELECT 1")])) }
    }

    @Test("all that must not matter to a projection does not matter here", arguments: [Storage.sqlite, .folder])
    func matrix(on storage: Storage) async throws {
        let places = Lock<[(Place, TestedStore)]>([])
        let history: [(stream: StreamID, event: AccountEvent)] = (1...30).map { number in
            let account = StreamID("account-\(number % 3)")
            return (account, number <= 3 ? .opened(owner: "Ada") : .deposited(cents: number))
        }
        let matrix = ProjectionMatrix(Balances(), rows: "SELECT * FROM accounts ORDER BY 1", partitions: [1, 3, 16]) {
            let place = Place(storage)
            let (store, model) = try await place.storeWithModel()
            places.withLock { $0.append((place, store)) }
            return model
        }
        let count = try await matrix.check(history, seed: Environment.seed)
        #expect(count > 20)
        for (_, store) in places.withLock({ $0 }) { await store.close() }
    }

    @Test("in memory, next to a store in memory, a projection is live: for tests of an application")
    func memory() async throws {
        let store = MemoryEventStore()
        let projector = Projector(Balances(), .live, from: store, into: try SQLiteReadModel())
        for cents in 1...3 {
            _ = try await store.append(
                InlineBooks.request(cents == 1 ? .opened(owner: "") : .deposited(cents: cents), 1))
            let model = try await projector.model(atLeast: store.head(), within: .seconds(120))
            #expect(try await model.rows("SELECT cents FROM accounts").first?["cents"].integer == [0, 2, 5][cents - 1])
        }
        let inline = Projector(Balances(), .inline, from: store, into: try SQLiteReadModel())
        await #expect(throws: ProjectionRefusal.self) { try await inline.attach() }
    }
}
