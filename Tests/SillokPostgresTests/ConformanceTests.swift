import SillokConformance
#if Postgres
import Sillok
import SillokPostgres
import SillokTesting
import Testing

@Suite("PostgreSQL: conformance", .serialized, .enabled(if: TestServer.isThere))
struct ConformanceTests {
    private let run = TestServer.freshSchema("suite")

    @Test(arguments: EventStoreSuite.checks)
    func `the store on a server keeps its promises`(_ check: EventStoreSuite.Check) async throws {
        try await suite.run(check)
    }

    private var suite: EventStoreSuite {
        EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 20),
            open: { place in
                try await PostgresEventStore(
                    TestServer.connection, schema: "\(run)_\(place.name)", limits: place.limits, clock: place.clock)
            },
            close: { store, _ in await (store as? PostgresEventStore)?.close() },
            remove: { place in try TestServer.drop("\(run)_\(place.name)") })
    }
}
#endif
