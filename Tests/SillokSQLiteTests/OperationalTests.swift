import Sillok
import SillokConformance
import SillokSQLite
import SillokTesting
import Testing

/// CON-1, CON-2, IDM-2, IDM-3 and SUB-1 at a size for every day; `SILLOK_SCALE` multiplies it.
@Suite(.serialized) struct OperationalTests {
    private let folder = TemporaryFolder()
    private let scale = Environment.count("SILLOK_SCALE", default: 1)

    private func expectClean(
        _ run: (OperationalChecks, SQLiteEventStore) async throws -> OperationalReport
    ) async throws {
        let store = try SQLiteEventStore(path: folder())
        let report = try await run(OperationalChecks(store: store), store)
        await store.close()
        print(report)
        #expect(report.isClean, "\(report)")
    }

    @Test(arguments: EverydayCheck.allCases)
    func `a store keeps its guarantees every day`(_ check: EverydayCheck) async throws {
        try await expectClean { checks, _ in try await check.run(checks, scale: scale) }
    }

    @Test func `retries after a restart and many other events`() async throws {
        let path = folder()
        try await expectClean { checks, store in
            try await checks.lateRetries(appends: 200 * scale, otherEvents: 5000 * scale) { _ in
                await store.close()
                return try SQLiteEventStore(path: path)
            }
        }
    }

    @Test("W4: idle subscribers read nothing while another process appends")
    func idleSubscribersElsewhere() async throws {
        let path = folder()
        try await expectClean { _, store in
            let reader = try SQLiteEventStore(path: path, mode: .readOnly)
            let report = try await OperationalChecks(store: reader).idle(appends: 30, writer: store)
            await reader.close()
            return report
        }
    }
}
