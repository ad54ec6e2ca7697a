import Foundation
import Sillok
import SillokCore
import SillokProjections
import SillokSQLite
import SillokSnapshots
import SillokTesting
import Testing

@Suite("a log that goes back during a subscription", .timeLimit(.minutes(2)))
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

    @Test("H2: a running projector and a running reaction stop", arguments: [0, 2, 3, 8], Storage.tested)
    func stopsProjector(others count: Int, on storage: Storage) async throws {
        let place = try Place(storage)
        let store = try await filled()
        let model = try await place.model()
        let options = ProjectorOptions(pollInterval: .milliseconds(5))
        let projector = Projector(Balances(), from: store, into: model, options: options)
        let (ended, seen) = (Lock(0), Lock<[UInt64]>([]))
        let running = Task {
            defer { ended.withLock { $0 += 1 } }
            try await projector.run()
        }
        let reacting = Task {
            defer { ended.withLock { $0 += 1 } }
            try await projector.react("mails", from: .atBeginning) { event in
                seen.withLock { $0.append(event.position.value) }
            }
        }
        #expect(try await eventually { seen.withLock { $0.count } == 6 })
        #expect(
            try await eventually {
                try await model.rows("SELECT 1 FROM sillok_reactions WHERE position = 6").count == 1
            })
        try await store.failOver(keeping: 3, then: deposits(Array(repeating: 7, count: count)))
        #expect(try await eventually { ended.withLock { $0 } == 2 })
        for task in [running, reacting] { task.cancel() }
        let failure = await #expect(throws: ProjectionFailure.self) { try await running.value }
        #expect((failure?.cause as? StoreError)?.code == .storeChanged)
        let reaction = await #expect(throws: (any Error).self) { try await reacting.value }
        let cause = (reaction as? StoreError) ?? ((reaction as? ProjectionFailure)?.cause as? StoreError)
        #expect(cause?.code == .storeChanged, "\(String(describing: reaction))")
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
