import SillokConformance
#if Postgres
import Sillok
import SillokPostgres
import SillokTesting
import Testing

/// CON-1, CON-2, IDM-2, IDM-3 and SUB-1 at a size for every day; `SILLOK_SCALE` multiplies it.
@Suite("PostgreSQL: operational checks", .serialized, .enabled(if: TestServer.isThere))
struct OperationalTests {
    private let scale = Environment.count("SILLOK_SCALE", default: 1)

    private func expectClean(
        _ run: (OperationalChecks, PostgresEventStore) async throws -> OperationalReport
    ) async throws {
        let report = try await withStore { try await run(OperationalChecks(store: $0), $0) }
        print("PostgreSQL", report)
        #expect(report.isClean, "\(report)")
    }

    @Test(arguments: EverydayCheck.allCases)
    func `a store keeps its guarantees every day`(_ check: EverydayCheck) async throws {
        try await expectClean { checks, _ in try await check.run(checks, scale: scale) }
    }

    @Test func `retries after a restart and many other events`() async throws {
        try await expectClean { checks, store in
            try await checks.lateRetries(appends: 200 * scale, otherEvents: 5000 * scale) { _ in
                try await PostgresEventStore(TestServer.connection, schema: store.schema)
            }
        }
    }

    @Test("W4: idle subscribers read nothing while another process appends")
    func idleSubscribersElsewhere() async throws {
        try await expectClean { _, store in
            let reader = try await PostgresEventStore(TestServer.connection, schema: store.schema, mode: .existing)
            let report = try await OperationalChecks(store: reader).idle(writer: store)
            await reader.close()
            return report
        }
    }
}
#endif
