import Foundation
import Sillok
import SillokSQLite
import SillokTesting
import Testing

@Suite(.serialized) struct ConformanceTests {
    private let folder = Result { try TemporaryFolder() }

    @Test(arguments: EventStoreSuite.checks)
    func `the store in a file keeps its promises`(_ check: EventStoreSuite.Check) async throws {
        try await suite(in: folder.get()).run(check)
    }

    private func suite(in folder: TemporaryFolder) -> EventStoreSuite {
        EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 100),
            open: { place in
                try SQLiteEventStore(path: folder.path(place.name), limits: place.limits, clock: place.clock)
            },
            close: { store, _ in await (store as? SQLiteEventStore)?.close() },
            remove: { place in
                for suffix in ["", "-wal", "-shm", "-lock"] {
                    try? FileManager.default.removeItem(atPath: folder.path(place.name + suffix))
                }
            })
    }
}
