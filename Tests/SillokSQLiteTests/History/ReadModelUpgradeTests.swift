import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@Suite("a read model of format 1")
struct ReadModelUpgradeTests {
    /// Makes of a read model what an older version would have made.
    static let downgrade: [ReadModelWrite.Change] = [
        .init("ALTER TABLE sillok_checkpoints DROP COLUMN mark"),
        .init("CREATE TABLE sillok_reactions (projection TEXT NOT NULL PRIMARY KEY, position BIGINT NOT NULL)"),
        .init("INSERT INTO sillok_reactions VALUES ('balances/mails', 2)"), .init("DROP TABLE sillok_decisions"),
        .init("UPDATE sillok_format SET version = 1"),
    ]

    private func marks(_ model: TestedModel) async throws -> [SQLValue] {
        try await model.rows("SELECT mark FROM sillok_checkpoints").map { $0["mark"] }
    }

    @Test("House 2: a version that cannot be read is damage, and not version 0", arguments: [false, true])
    func unreadableVersion(_ isInStore: Bool) async throws {
        let folder = TemporaryFolder()
        let path = folder()
        let change = ReadModelWrite([.init("UPDATE sillok_format SET version = 'two'")])
        if isInStore {
            let store = try SQLiteEventStore(path: path)
            try await store.readModel.write(change)
            await store.close()
            for mode in [SQLiteEventStore.Mode.existing, .readOnly] {
                let store = try SQLiteEventStore(path: path, mode: mode)
                let error = await #expect(throws: StoreError.self) { try await store.readModel.rows("SELECT 1") }
                #expect(error?.code == .corrupt, "\(mode)")
                await store.close()
            }
        } else {
            let model = try SQLiteReadModel(path: path)
            try await model.write(change)
            await model.close()
            let error = #expect(throws: StoreError.self) { try SQLiteReadModel(path: path) }
            #expect(error?.code == .corrupt)
        }
    }

    @Test(
        "H1: it is brought up to date, and its checkpoints have marks from the next write on", arguments: Storage.tested
    )
    func upgrades(on storage: Storage) async throws {
        let place = Place(storage)
        let store = FailingOverStore()
        let coding = EventCoding<AccountEvent>()
        try await store.append([coding.encode(.opened(owner: "Ada"))], to: "account-1")
        try await store.append([coding.encode(.deposited(cents: 5))], to: "account-1")
        let before = try await place.model()
        try await Projector(Balances(), from: store, into: before).catchUp()
        try await before.write(ReadModelWrite(Self.downgrade))
        await before.close()

        let model = try await place.model()
        #expect(try await model.rows("SELECT version FROM sillok_format").map(\.values) == [[2]])
        #expect(try await model.rows("SELECT * FROM sillok_decisions") == [])
        #expect(try await marks(model) == [.text("")])
        let projector = Projector(Balances(), from: store, into: model)
        try await projector.catchUp()
        let receipt = try await store.append([coding.encode(.deposited(cents: 7))], to: "account-1")
        try await projector.catchUp()
        #expect(try await marks(model) == [.text(receipt.mark.description)])
        #expect(try await model.rows("SELECT cents FROM accounts").map(\.values) == [[12]])
        // What an older version kept for reactions stays, and nothing reads it.
        #expect(try await model.rows("SELECT * FROM sillok_reactions").map(\.values) == [["balances/mails", 2]])

        // An older version moves the position alone: its mark is that of another place, and not used.
        try await model.write(ReadModelWrite([.init("UPDATE sillok_checkpoints SET position = 2, count = 2")]))
        let row = try #require(
            try await model.rows(ReadModelFormat.standing(of: ProjectionID("balances", version: 1), 0)).first)
        #expect(Checkpoint(standing: row.values)?.mark == EventMark(position: 2, id: nil))
        // Without an id it is compared with the head alone.
        try await store.failOver(keeping: 1, then: [])
        let failure = await #expect(throws: ProjectionFailure.self) {
            try await Projector(Balances(), from: store, into: model).catchUp()
        }
        #expect((failure?.cause as? StoreError)?.code == .storeChanged)
        await model.close()
    }

    @Test("H1: the read model in a store's file is brought up to date", arguments: Storage.tested)
    func upgradesInline(on storage: Storage) async throws {
        let place = Place(storage)
        let (before, model) = try await place.storeWithModel()
        let coding = EventCoding<AccountEvent>()
        try await Projector(Balances(), .inline, from: before, into: model).attach()
        try await before.append([coding.encode(.opened(owner: "Ada"))], to: "account-1")
        await before.close()
        await model.close()

        let (store, again) = try await place.storeWithModel()
        try await again.write(ReadModelWrite(Self.downgrade))
        await store.close()
        await again.close()

        let (newer, last) = try await place.storeWithModel()
        try await Projector(Balances(), .inline, from: newer, into: last).attach()
        let receipt = try await newer.append([coding.encode(.deposited(cents: 5))], to: "account-1")
        let rows = try await last.rows("SELECT mark FROM sillok_checkpoints")
        #expect(rows.map(\.values) == [[.text(receipt.mark.description)]])
        #expect(try await last.rows("SELECT cents FROM accounts").map(\.values) == [[5]])
        await newer.close()
        await last.close()
    }
}
