import Sillok
import SillokConformance
import SillokTesting
import Testing

@Suite struct OperationalTests {
    private let checks = OperationalChecks(store: MemoryEventStore())

    private func expectClean(_ report: OperationalReport) {
        print(report)
        #expect(report.isClean, "\(report)")
    }

    @Test func `many clients on one stream`() async throws {
        expectClean(try await checks.hotStream(clients: 64, appends: Environment.count("SILLOK_APPENDS", default: 5)))
    }

    @Test func `many clients with overlapping decisions`() async throws {
        expectClean(
            try await checks.overlappingDecisions(
                clients: 32, attempts: Environment.count("SILLOK_APPENDS", default: 20)))
    }

    @Test func `lost responses and retries`() async throws {
        expectClean(try await checks.droppedResponses())
    }

    @Test func `retries long after`() async throws {
        expectClean(try await checks.lateRetries())
    }

    @Test func `subscribers beside writers`() async throws {
        expectClean(
            try await checks.subscribe(
                subscribers: Environment.count("SILLOK_SUBSCRIBERS", default: 200), writers: 8, appendsPerWriter: 25))
    }

    @Test("W4: idle subscribers read nothing while others append")
    func idleSubscribers() async throws { expectClean(try await checks.idle(subscribers: 200, appends: 200)) }

    @Test("W4: a store that wakes all readers at each append is noticed")
    func wakesAll() async throws {
        let report = try await OperationalChecks(store: WakingStore(base: MemoryEventStore())).idle()
        #expect(report.description.contains("violated: idle subscribers read"), "\(report)")
    }

    @Test func `a report names what is wrong`() async throws {
        let store = MisbehavingStore(.checksQueriesOutsideTheLock, place: (Limits(), .system))
        let report = try await OperationalChecks(store: store).overlappingDecisions(clients: 32, attempts: 20)
        #expect(!report.isClean)
        #expect(report.description.contains("violated: decided on"))
    }
}

/// A store that wakes all readers at each append, as every store once did.
private struct WakingStore: ForwardingEventStore {
    let base: any EventStore

    func reach(_ position: Position, for query: EventQuery) async throws { try await base.reach(position) }
}
