import Foundation
import Sillok
import SillokConformance
import SillokSQLite
import SillokTestSupport
import SillokTesting
import Testing

@Suite(.serialized) struct ConformanceTests {
    private let folder = TemporaryFolder()

    @Test(arguments: EventStoreSuite.checks)
    func `the store in a file keeps its promises`(_ check: EventStoreSuite.Check) async throws {
        try await suite(in: folder).run(check)
    }

    @Test(arguments: EventStoreSuite.checks)
    func `the store in a file keeps its promises with an inline projection, which tells all of it`(
        _ check: EventStoreSuite.Check
    ) async throws {
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 30),
            open: { place in
                let store = try SQLiteEventStore(
                    path: folder(place.name), limits: place.limits, clock: place.clock)
                try await StreamLengths.attach(to: store.readModel)
                return store
            },
            close: { store, _ in
                guard let store = store as? SQLiteEventStore else { return }
                do {
                    let findings = try await StreamLengths.findings(store, store.readModel)
                    #expect(findings == [])
                } catch let error as StoreError where error.code == .closed {
                    // The check has closed it, to see what it says.
                }
                await store.close()
            },
            remove: { place in
                for suffix in ["", "-wal", "-shm", "-lock"] {
                    try? FileManager.default.removeItem(atPath: folder(place.name + suffix))
                }
            })
        try await suite.run(check)
    }

    private func suite(in folder: TemporaryFolder) -> EventStoreSuite {
        EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 100),
            open: { place in
                try SQLiteEventStore(path: folder(place.name), limits: place.limits, clock: place.clock)
            },
            close: { store, _ in await (store as? SQLiteEventStore)?.close() },
            remove: { place in
                for suffix in ["", "-wal", "-shm", "-lock"] {
                    try? FileManager.default.removeItem(atPath: folder(place.name + suffix))
                }
            })
    }
}
