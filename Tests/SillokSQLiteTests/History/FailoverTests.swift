import Foundation
import Sillok
import SillokCore
import SillokProjections
import SillokSQLite
import SillokSnapshots
import SillokTesting
import Testing

@Suite("a log that goes back during a subscription", .timeLimit(.minutes(10)))
struct FailoverTests {
    private func deposits(_ cents: [Int]) throws -> [EventData] {
        try cents.map { try EventCoding<AccountEvent>().encode(.deposited(cents: $0)) }
    }

    private func filled() async throws -> FailingOverStore {
        let store = FailingOverStore()
        try await store.append([EventCoding<AccountEvent>().encode(.opened(owner: "Ada"))], to: "account-1")
        for event in try deposits([10, 20, 30, 40, 50]) { try await store.append([event], to: "account-1") }
        return store
    }

    @Test("H2: a running subscription ends, at every length of the older log", arguments: [0, 1, 2, 3, 5, 8])
    func endsSubscription(others count: Int) async throws {
        let store = try await filled()
        var batches = store.subscribe(to: .all, pollInterval: .milliseconds(1)).makeAsyncIterator()
        #expect(try await batches.next()?.events.count == 6)
        try await store.failOver(keeping: 3, then: deposits(Array(repeating: 7, count: count)))
        let error = await #expect(throws: StoreError.self) { _ = try await batches.next() }
        #expect(error?.code == .storeChanged)
    }

    @Test("H2: pages that are being read end, and do not join two histories")
    func endsPages() async throws {
        let store = try await filled()
        for (direction, kept) in [(ReadRequest.Direction.forward, 2), (.backward, 3)] {
            var pages = store.pages(ReadRequest(direction: direction, limit: 3)).makeAsyncIterator()
            #expect(try await pages.next()?.events.count == 3)
            try await store.failOver(keeping: kept, then: deposits([1, 2, 3, 4]))
            let error = await #expect(throws: StoreError.self) { _ = try await pages.next() }
            #expect(error?.code == .storeChanged)
        }
    }

    @Test("H2: a running projector and a running publisher stop", arguments: [0, 2, 3, 8], Storage.tested)
    func stopsProjector(others count: Int, on storage: Storage) async throws {
        let place = Place(storage)
        let store = try await filled()
        let model = try await place.model()
        let options = ProjectorOptions(pollInterval: .milliseconds(5))
        let projector = Projector(Balances(), from: store, into: model, options: options)
        let (ended, seen) = (Lock(0), Lock<[UInt64]>([]))
        let running = Task {
            defer { ended.withLock { $0 += 1 } }
            try await projector.run()
        }
        let publisher = Publisher(
            "mails", from: store, progressIn: model, starting: .atBeginning, options: options
        ) { event in seen.withLock { $0.append(event.position.value) } }
        let publishing = Task {
            defer { ended.withLock { $0 += 1 } }
            try await publisher.run()
        }
        #expect(try await eventually { seen.withLock { $0.count } == 6 })
        #expect(
            try await eventually {
                try await model.rows("SELECT 1 FROM sillok_checkpoints WHERE position = 6").count == 2
            })
        try await store.failOver(keeping: 3, then: deposits(Array(repeating: 7, count: count)))
        #expect(try await eventually { ended.withLock { $0 } == 2 })
        for task in [running, publishing] { task.cancel() }
        let failure = await #expect(throws: ProjectionFailure.self) { try await running.value }
        #expect((failure?.cause as? StoreError)?.code == .storeChanged)
        let published = await #expect(throws: ProjectionFailure.self) { try await publishing.value }
        #expect((published?.cause as? StoreError)?.code == .storeChanged)
        #expect("\(String(describing: published))".contains("redrive"))
        #expect(seen.withLock { $0 } == Array(1...6))
        #expect(try await model.rows("SELECT cents FROM accounts").map(\.values) == [[150]])
        await model.close()
    }

    @Test("H1: a decision on a cached state of another history is made again", arguments: [0, 2, 3, 8])
    func decidesAgain(others count: Int) async throws {
        let store = try await filled()
        let handler = CommandHandler<Counter>(in: store, options: .init(cache: AggregateCache()))
        for _ in 1...2 { try await handler.execute(.count) }
        try await store.failOver(keeping: 3, then: deposits(Array(repeating: 7, count: count)))
        try await handler.execute(.count)
        let events = try await store.read(.all).events
        #expect(events.count == 4 + count)
        // The two that were counted before are not in this log.
        let last = try #require(events.last)
        #expect(try EventCoding<Counter.Event>().decode(last) == [.counted(after: 0)])
    }

    @Test(
        "H1: a decision on a cached state of a stream of another history is made again",
        arguments: [0, 3, 5, 8], [0, 3])
    func decidesOnStreamAgain(others count: Int, elsewhere: Int) async throws {
        let store = try await filled()
        let handler = CommandHandler<Purse>("account", in: store, options: .init(cache: AggregateCache()))
        try await handler.execute(.double, on: "1")
        try await handler.execute(.double, on: "1")
        #expect(try await handler.state(of: "1").revision == 8)
        // With five others the stream has the revision of the cached state.
        try await store.failOver(keeping: 3, then: [])
        for event in try deposits(Array(repeating: 1, count: elsewhere)) {
            try await store.append([event], to: "account-2")
        }
        for event in try deposits(Array(repeating: 7, count: count)) {
            try await store.append([event], to: "account-1")
        }
        let outcome = try await handler.execute(.double, on: "1")
        #expect(outcome.events == [.deposited(cents: 10 + 20 + 7 * count)])
        #expect(outcome.revision == Revision(UInt64(4 + count)))
        let events = try await store.read(.stream("account-1")).events
        #expect(events.last?.metadata.commandID == outcome.id && events.count == 4 + count)
    }

    @Test("H1: of many cached streams the newest event stands for all", arguments: [false, true])
    func decidesOnStreamsAgain(isReversed: Bool) async throws {
        let store = try await filled()
        let handler = CommandHandler<Purse>("account", in: store, options: .init(cache: AggregateCache()))
        let commands = (isReversed ? ["2", "1"] : ["1", "2"]).map { (key: $0, command: Purse.Command.double) }
        try await handler.execute(commands)
        try await store.append(deposits([5]), to: "account-2")
        #expect(try await handler.state(of: "2").state.cents == 5)
        // The events of account-1 are still there. The last one of account-2 is another one, with the same revision.
        try await store.failOver(keeping: 8, then: [])
        try await store.append(deposits([1]), to: "account-2")
        let states = try await handler.execute(commands).states
        #expect(states["1"]?.cents == 600 && states["2"]?.cents == 2)
    }
}

/// Doubles what is in a purse.
private struct Purse: Decider {
    enum Command: Sendable { case double }

    private(set) var cents = 0

    func decide(_ command: Command) throws(Never) -> [AccountEvent] { [.deposited(cents: cents)] }
    mutating func evolve(_ event: AccountEvent) { if case .deposited(let cents) = event { self.cents += cents } }
}

/// Counts what it has decided.
private struct Counter: BoundaryDecider {
    enum Command: Sendable { case count }
    enum Event: Codable, Equatable, Sendable { case counted(after: Int) }

    private var count = 0

    static func boundary(of command: Command) -> EventQuery { .tags("counter") }
    static func tags(of event: Event) -> [EventTag] { ["counter"] }
    func decide(_ command: Command) throws(Never) -> [Event] { [.counted(after: count)] }
    mutating func evolve(_ event: Event) { count += 1 }
}
