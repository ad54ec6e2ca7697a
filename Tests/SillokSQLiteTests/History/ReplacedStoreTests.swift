import Foundation
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@Suite("a store that was replaced")
struct ReplacedStoreTests {
    private let others = [100, 100, 100, 75, 75, 75, 75]

    /// Returns a publisher that notes the positions of what it passes on.
    private func publisher(
        _ store: any EventStore, in model: TestedModel, _ seen: Lock<[UInt64]>
    ) -> Publisher {
        Publisher("mails", from: store, progressIn: model, starting: .atBeginning) { event in
            seen.withLock { $0.append(event.position.value) }
        }
    }

    /// Projects and publishes everything in the store; returns the positions that were passed on.
    private func follow(_ store: any EventStore, into model: TestedModel) async throws -> [UInt64] {
        try await Projector(Balances(), from: store, into: model).catchUp()
        let seen = Lock<[UInt64]>([])
        try await publisher(store, in: model, seen).catchUp()
        return seen.withLock { $0 }
    }

    @Test(
        "C1: a projector and a publisher stop at a store that was restored and has grown again",
        arguments: Storage.stores)
    func stops(on storage: Storage) async throws {
        let replaced = try await ReplacedStore(on: storage)
        let model = try await replaced.place.model()
        let before = try replaced.open()
        #expect(try await follow(before, into: model) == [1, 2, 3, 4, 5, 6])
        await before.close()

        try await replaced.restore(then: others)
        let store = try replaced.open()
        #expect(try await store.head() == 10)
        let projector = Projector(Balances(), from: store, into: model)
        let failure = await #expect(throws: ProjectionFailure.self) { try await projector.catchUp() }
        let cause = try #require(failure?.cause as? StoreError)
        #expect(cause.code == .storeChanged && "\(cause)".contains("rebuild"))
        let running = await #expect(throws: ProjectionFailure.self) { try await projector.run() }
        #expect((running?.cause as? StoreError)?.code == .storeChanged)
        let seen = Lock<[UInt64]>([])
        let publisher = self.publisher(store, in: model, seen)
        let published = await #expect(throws: ProjectionFailure.self) { try await publisher.catchUp() }
        let reason = try #require(published?.cause as? StoreError)
        #expect(reason.code == .storeChanged && reason.message.contains("redrive"))
        #expect(seen.withLock { $0 } == [])

        // The way back that the messages name.
        let whom = Operator("ada", because: "the store was restored")
        try await projector.rebuild(by: whom)
        try await projector.readSide.promote("balances", by: whom)
        try await projector.catchUp()
        #expect(try await model.rows("SELECT cents FROM accounts").map(\.values) == [[755]])
        try await publisher.redrive(from: 1, by: whom)
        try await publisher.catchUp()
        #expect(seen.withLock { $0 } == Array(1...10))
        await store.close()
        await model.close()
    }

    @Test(
        "C1: a running projector makes the rebuild that is requested after the store was restored",
        arguments: Storage.stores)
    func rebuildsWhileItRuns(on storage: Storage) async throws {
        let replaced = try await ReplacedStore(on: storage)
        let model = try await replaced.place.model()
        let before = try replaced.open()
        try await Projector(Balances(), from: before, into: model).catchUp()
        await before.close()
        try await replaced.restore(then: others)
        let store = try replaced.open()
        let whom = Operator("ada", because: "the store was restored")
        // As the command line and the server request it: by a row, before the application runs or while it does.
        let side = ReadSide(of: store, in: model)
        try await side.requestRebuild(of: "balances", by: whom)
        let projector = Projector(Balances(), from: store, into: model)
        try await running(projector) {
            let isReady = try await eventually {
                do { try await side.promote("balances", by: whom) } catch is ProjectionRefusal { return false }
                return true
            }
            #expect(isReady)
            let current = try await projector.model(atLeast: store.head(), within: .seconds(120))
            #expect(try await current.rows("SELECT cents FROM accounts").map(\.values) == [[755]])
        }
        await store.close()
        await model.close()
    }

    @Test("C1: with an identical copy of the store everything continues", arguments: Storage.stores)
    func continues(on storage: Storage) async throws {
        let replaced = try await ReplacedStore(on: storage)
        let model = try await replaced.place.model()
        let before = try replaced.open()
        #expect(try await follow(before, into: model) == [1, 2, 3, 4, 5, 6])
        await before.close()
        try FileManager.default.copyItem(atPath: replaced.path, toPath: replaced.path + ".same")
        try FileManager.default.removeItem(atPath: replaced.path)
        try FileManager.default.moveItem(atPath: replaced.path + ".same", toPath: replaced.path)
        try await replaced.appending([.deposited(cents: 5)])
        let store = try replaced.open()
        let projector = Projector(Balances(), from: store, into: model)
        try await projector.catchUp()
        #expect(try await model.rows("SELECT cents FROM accounts").map(\.values) == [[220]])
        let seen = Lock<[UInt64]>([])
        try await publisher(store, in: model, seen).catchUp()
        #expect(seen.withLock { $0 } == [7])
        await store.close()
        await model.close()
    }

    @Test(
        "H1: every kept place is compared, however far the restored log has grown",
        arguments: [0, 1, 2, 3, 4, 7], [Storage.sqlite, .folder])
    func comparesPlaces(others count: Int, on storage: Storage) async throws {
        let replaced = try await ReplacedStore(on: storage)
        try await replaced.restore(then: Array(others.prefix(count)))
        let store = try replaced.open()
        let head = try await store.head()
        #expect(head == Position(UInt64(3 + count)))
        for event in replaced.old {
            let mark = EventMark(event)
            let isThere = event.position <= 3
            func expectChanged(_ what: String, _ body: () async throws -> Void) async throws {
                do {
                    try await body()
                    #expect(isThere, "\(what) after \(mark)")
                } catch {
                    guard AppendError(error).failure?.code == .storeChanged else { throw error }
                    #expect(!isThere, "\(what) after \(mark): \(error)")
                }
            }
            try await expectChanged("a read") { _ = try await store.read(.stream("account-1"), resumingAfter: mark) }
            try await expectChanged("a subscription") {
                var batches = store.subscribe(resumingAfter: mark, pollInterval: .milliseconds(1)).makeAsyncIterator()
                if mark.position < head || !isThere { _ = try await batches.next() }
            }
            try await expectChanged("a decoded subscription") {
                var batches = store.subscribe(as: AccountEvent.self, resumingAfter: mark).makeAsyncIterator()
                if mark.position < head || !isThere { _ = try await batches.next() }
            }
            try await expectChanged("a condition") {
                let event = EventData(type: "deposited", text: #"{"cents":1}"#)
                let condition = AppendCondition.unchanged(.tags("none"), seen: mark)
                try await store.append([event], to: "other-1", if: condition)
            }
            try await expectChanged("a token") {
                let projector = Projector(Balances(), .live, from: store, into: try SQLiteReadModel())
                _ = try await projector.model(atLeast: mark, within: .seconds(120))
            }
        }
        await store.close()
    }

    @Test("H1: a consumer that tracks another store notices that it went back")
    func tracks() async throws {
        let replaced = try await ReplacedStore(on: .sqlite)
        let path = replaced.folder("target.sqlite")
        let target = try SQLiteEventStore(path: path)
        try await target.append([note("taken")], tracking: Tracking(source: "log", EventMark(replaced.old[5])))
        await target.close()
        try await replaced.restore(then: others)
        let (store, again) = (try replaced.open(), try SQLiteEventStore(path: path))
        let tracking = try #require(try await again.tracking(of: "log"))
        let error = await #expect(throws: StoreError.self) { try await store.read(.all, resumingAfter: tracking.mark) }
        #expect(error?.code == .storeChanged)
        await again.close()
        // A file whose table was made before ids were kept with tracked positions.
        try tamper(path, "DROP TABLE tracked_events")
        for mode in [SQLiteEventStore.Mode.readOnly, .create] {
            let older = try SQLiteEventStore(path: path, mode: mode)
            #expect(try await older.tracking(of: "log") == Tracking(source: "log", position: 6))
            await older.close()
        }
        // An older version moves the position alone: then the id is that of another place.
        let newer = try SQLiteEventStore(path: path)
        let next = Tracking(source: "log", EventMark(position: 7, id: EventID()))
        try await newer.append([note("more")], tracking: next)
        #expect(try await newer.tracking(of: "log") == next)
        await newer.close()
        try tamper(path, "UPDATE tracking SET position = 8")
        let last = try SQLiteEventStore(path: path)
        #expect(try await last.tracking(of: "log") == Tracking(source: "log", position: 8))
        await last.close()
        await store.close()
    }
}
