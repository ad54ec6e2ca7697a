import Foundation
import GRDB
import SillokGRDB
import SillokProjections
import SillokSQLite
import SillokTestSupport
import SillokTesting
import Testing

/// GRDB has a type of that name too.
typealias SQL = SillokSQL.SQL

enum AccountEvent: Codable, Equatable, Sendable { case opened(owner: String), deposited(cents: Int) }

/// The sum of each account.
struct Balances: Projection {
    let name = "balances"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "accounts") (
            account TEXT PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL CHECK (cents < 1000000000))
        """,
        "CREATE INDEX \(index: "by_owner") ON \(table: "accounts") (owner)",
    ]

    func project(_ event: Recorded<AccountEvent>) -> [SQL] {
        switch event.payload {
        case .opened(let owner): ["INSERT INTO \(table: "accounts") VALUES (\(event.stream), \(owner), 0)"]
        case .deposited(let cents):
            ["UPDATE \(table: "accounts") SET cents = cents + \(cents) WHERE account = \(event.stream)"]
        }
    }
}

/// The same as documents.
struct Owners: DocumentProjection {
    let name = "owners"
    let version = 1
    let source = EventQuery.category("account")

    func evolve(_ document: [String]?, _ event: Recorded<AccountEvent>) -> [String]? {
        guard case .opened(let owner) = event.payload else { return document }
        return (document ?? []) + [owner]
    }
}

/// A row as a record.
struct Account: Codable, FetchableRecord, TableRecord, Equatable {
    static let databaseTableName = "accounts"
    var account: String
    var owner: String
    var cents: Int
}

extension EventStore {
    @discardableResult func record(_ event: AccountEvent, _ account: Int) async throws -> Receipt {
        try await append([EventCoding<AccountEvent>().encode(event)], to: StreamID("account-\(account)"))
    }
}

@Suite("a read model that GRDB opens")
struct GRDBReadModelTests {
    private let id = ProjectionID("balances", version: 1)
    private let history: [(stream: StreamID, event: AccountEvent)] = (1...40).map { number in
        (StreamID("account-\(number % 4)"), number <= 4 ? .opened(owner: "Ada \(number)") : .deposited(cents: number))
    }

    @Test("all that must not matter to a projection does not matter here")
    func matrix() async throws {
        let folder = TemporaryFolder()
        let open: @Sendable () throws -> any ReadModel = { try GRDBReadModel(path: folder("\(EventID())")) }
        let rows = ProjectionMatrix(
            Balances(), rows: "SELECT * FROM accounts ORDER BY 1", partitions: [1, 3, 16], model: open)
        #expect(try await rows.check(history, seed: UInt64.random(in: 0...999)) > 20)
        let documents = ProjectionMatrix(
            documents: Owners(), rows: "SELECT * FROM owners ORDER BY 1", partitions: [1, 3], model: open)
        #expect(try await documents.check(history, seed: UInt64.random(in: 0...999)) > 15)
    }

    @Test("records are read, and an observation sees what a projector writes, and a promotion")
    func observes() async throws {
        let folder = TemporaryFolder()
        let store = MemoryEventStore()
        let model = try GRDBReadModel(path: folder())
        let projector = Projector(Balances(), from: store, into: model)
        try await store.record(.opened(owner: "Ada"), 1)
        try await projector.catchUp()
        let running = Task { try await projector.run() }
        let observation = ValueObservation.tracking { db in try Account.fetchAll(db) }
        var cents = 0
        for try await accounts in observation.values(in: model.reader) {
            guard accounts == [Account(account: "account-1", owner: "Ada", cents: cents)] else { continue }
            if cents == 50 { break }
            cents += 10
            let receipt = try await store.record(.deposited(cents: 10), 1)
            _ = try await projector.model(atLeast: receipt, within: .seconds(120))
        }
        #expect(cents == 50)
        let ada = Operator("Ada", because: "a test")
        try await projector.rebuild(by: ada)
        try await projector.readSide.promote("balances", by: ada)
        let read = try await model.reader.read { db in try Account.filter(Column("owner") == "Ada").fetchOne(db) }
        #expect(read?.cents == 50)
        #expect(try await projector.readSide.verify("balances").findings.isEmpty)
        running.cancel()
        _ = await running.result
        await model.close()
    }

    @Test("synchronous has the requested value after opening, also if GRDB set another one before", arguments: [1, 2])
    func durability(level: Int) throws {
        let folder = TemporaryFolder()
        let durability = try #require(GRDBReadModel.Durability(rawValue: level))
        for _ in 1...2 {
            var configuration = Configuration()
            // The trap: what is set here is set back when the pool is opened.
            configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA synchronous = OFF") }
            let model = try GRDBReadModel(path: folder(), durability: durability, configuration: configuration)
            let writer = try #require(model.reader as? DatabasePool)
            let found = try writer.writeWithoutTransaction { db in
                (
                    try Int.fetchOne(db, sql: "PRAGMA synchronous"),
                    try String.fetchOne(db, sql: "PRAGMA journal_mode"),
                    try Int.fetchOne(db, sql: "PRAGMA foreign_keys")
                )
            }
            #expect(found == (level, "wal", 0))
        }
    }

    @Test("the same file as an SQLiteReadModel's: both write in turn, and neither doubles anything")
    func sharesTheFile() async throws {
        let folder = TemporaryFolder()
        let store = MemoryEventStore()
        for account in 1...4 { try await store.record(.opened(owner: "Ada"), account) }
        let ours = try GRDBReadModel(path: folder())
        let other = try SQLiteReadModel(path: folder())
        let options = ProjectorOptions(partitions: 4, lease: .milliseconds(50), pollInterval: .milliseconds(10))
        let first = Projector(Balances(), from: store, into: ours, options: options)
        let second = Projector(Balances(), from: store, into: other, options: options)
        for _ in 1...4 {
            let tasks = [Task { try await first.run() }, Task { try await second.run() }]
            for number in 1...100 { try await store.record(.deposited(cents: 1), number % 4 + 1) }
            let head = try await store.head()
            while try await first.readSide.status().first?.position != head {
                try await Task.sleep(for: .milliseconds(5))
            }
            tasks.forEach { $0.cancel() }
            for task in tasks { _ = await task.result }
        }
        for model in [ours, other] as [any ReadModel] {
            let sums = try await model.rows("SELECT cents FROM accounts").map(\.values)
            #expect(sums == Array(repeating: [100], count: 4))
        }
        await other.close()
        await ours.close()
    }

    @Test("H1: a file of format 1 is brought up to date, and its checkpoints have marks from the next write on")
    func upgrades() async throws {
        let folder = TemporaryFolder()
        let store = MemoryEventStore()
        let coding = EventCoding<AccountEvent>()
        try await store.append([coding.encode(.opened(owner: "Ada"))], to: "account-1")
        let before = try GRDBReadModel(path: folder())
        try await Projector(Balances(), from: store, into: before).catchUp()
        try await before.write(
            ReadModelWrite([
                .init("ALTER TABLE sillok_checkpoints DROP COLUMN mark"),
                .init("CREATE TABLE sillok_reactions (projection TEXT NOT NULL PRIMARY KEY, position BIGINT NOT NULL)"),
                .init("DROP TABLE sillok_decisions"),
                .init("UPDATE sillok_format SET version = 1"),
            ]))
        await before.close()
        let model = try GRDBReadModel(path: folder())
        #expect(try await model.rows("SELECT version FROM sillok_format").map(\.values) == [[2]])
        #expect(try await model.rows("SELECT mark FROM sillok_checkpoints").map(\.values) == [[""]])
        let receipt = try await store.append([coding.encode(.deposited(cents: 5))], to: "account-1")
        try await Projector(Balances(), from: store, into: model).catchUp()
        let marks = try await model.rows("SELECT mark FROM sillok_checkpoints").map(\.values)
        #expect(marks == [[.text(receipt.mark.description)]])
        await model.close()
    }

    @Test("a projection's statements change only its own tables; refused statements change nothing")
    func scope() async throws {
        let folder = TemporaryFolder()
        let store = MemoryEventStore()
        try await store.record(.opened(owner: "Ada"), 1)
        let model = try GRDBReadModel(path: folder())
        try await Projector(Balances(), from: store, into: model).catchUp()
        let own: SQL = "UPDATE \(table: "accounts") SET cents = cents + 1"
        let refused: [SQL] = [
            "DELETE FROM sillok_checkpoints", "UPDATE balances_v2_accounts SET cents = 0",
            "INSERT INTO \(table: "accounts") SELECT name, name, 1 FROM sillok_audit",
            "UPDATE \(table: "accounts") SET cents = (SELECT count(*) FROM sillok_builds)", "DROP TABLE sillok_marks",
            "CREATE TABLE other (x)", "CREATE VIEW \(table: "view") AS SELECT 1",
            "ALTER TABLE sillok_audit ADD COLUMN x",
            "CREATE TRIGGER t AFTER INSERT ON \(table: "accounts") BEGIN DELETE FROM sillok_audit; END",
            "CREATE INDEX other ON \(table: "accounts") (cents)", "ALTER TABLE \(table: "accounts") RENAME TO other",
            "COMMIT", "ROLLBACK", "SAVEPOINT s", "BEGIN", "PRAGMA user_version = 3", "VACUUM", "ATTACH 'x' AS x", "",
            "INSERT OR ROLLBACK INTO \(table: "accounts") VALUES ('account-1', '', 0)",
            "\(own); \(own)", "UPDATE \(table: "accounts") SET cents = random()",
            "UPDATE \(table: "accounts") SET cents = ?7",
            "UPDATE \(table: "accounts") SET owner = CURRENT_TIMESTAMP",
            "UPDATE \(table: "accounts") SET cents = 2000000000",
            "UPDATE \(table: "accounts") SET owner = \("a\u{0}b")", "nonsense", "/* COMMIT */ COMMIT", "-- x\nCOMMIT",
        ]
        for statement in refused {
            let changes = [own, statement].map { ReadModelWrite.Change($0, of: id) }
            await #expect(throws: ChangeFailed.self, "\(statement.text { "?\($0)" })") {
                try await model.write(ReadModelWrite(changes))
            }
            #expect(try await model.rows("SELECT cents FROM accounts").map(\.values) == [[0]])
        }
        try await model.write(ReadModelWrite([.init(own, of: id), .init(own, of: id)]))
        #expect(try await model.rows("SELECT cents FROM accounts").map(\.values) == [[2]])
        let other = ReadModelWrite.Condition("SELECT 1", gives: [[2]])
        await #expect(throws: ConditionFailed.self) {
            try await model.write(ReadModelWrite([.init(own, of: id)], if: [other]))
        }
        for query: SQL in [
            "DELETE FROM accounts", "PRAGMA synchronous = OFF", "SELECT * FROM nothing", "SELECT 1; SELECT 2",
        ] {
            let error = await #expect(throws: StoreError.self) { try await model.rows(query) }
            #expect(error?.code == .invalidQuery, "\(query.text { "?\($0)" })")
        }
        #expect(try await model.rows("SELECT cents FROM accounts").map(\.values) == [[2]])
        await model.close()
        let closed = await #expect(throws: StoreError.self) { try await model.rows("SELECT 1") }
        #expect(closed?.code == .closed)
    }

    @Test("values come back as they were written; files of others are refused")
    func values() async throws {
        let folder = TemporaryFolder()
        let model = try GRDBReadModel(path: folder("views.sqlite"))
        let values: [SQLValue] = [
            .null, .integer(.min), .integer(.max), .real(0.1), .text(""), .text("é e\u{301} 👩‍🚀"), .blob([]),
            .blob([0, 255]),
        ]
        for value in values {
            #expect(try await model.rows("SELECT \(value) AS value").map(\.values) == [[value]])
        }
        await model.close()
        await (try SQLiteEventStore(path: folder("store.sqlite"))).close()
        let error = #expect(throws: StoreError.self) { try GRDBReadModel(path: folder("store.sqlite")) }
        #expect(error?.code == .unsupportedFormat)
        try Data(repeating: 7, count: 5000).write(to: URL(filePath: folder("noise")))
        let noise = #expect(throws: StoreError.self) { try GRDBReadModel(path: folder("noise")) }
        #expect(noise?.code == .unsupportedFormat)
    }
}
