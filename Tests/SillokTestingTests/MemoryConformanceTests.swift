import Sillok
import SillokConformance
import SillokTesting
import Testing

@Suite(.serialized) struct MemoryConformanceTests {
    static let suite = EventStoreSuite { MemoryEventStore(limits: $0.limits, clock: $0.clock) }

    @Test(arguments: EventStoreSuite.checks)
    func `the store in memory keeps its promises`(_ check: EventStoreSuite.Check) async throws {
        try await Self.suite.run(check)
    }
}
