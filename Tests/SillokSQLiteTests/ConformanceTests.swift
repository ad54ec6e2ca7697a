import Foundation
import Sillok
import SillokConformance
import SillokProjections
import SillokReadSide
import SillokSQL
import SillokSQLite
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
                try await Lengths.attach(to: store)
                return store
            },
            close: { store, _ in
                guard let store = store as? SQLiteEventStore else { return }
                do {
                    try await Lengths.check(store)
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

/// An inline projection of all events: the number of events of each stream, and the position of the last one.
private enum Lengths {
    private static let id = ProjectionID("lengths", version: 1)

    static func attach(to store: SQLiteEventStore) async throws {
        let name = try await store.storeID().description
        try await store.readModel.write(
            ReadModelWrite(
                [
                    "CREATE TABLE IF NOT EXISTS lengths_v1_lengths (stream TEXT PRIMARY KEY, events, revision, position)",
                    """
                    INSERT INTO sillok_builds VALUES ('lengths', 1, 1, 'live', 1, 'inline', '[{"types":[],"tags":[]}]',
                        'total', 'lengths', 0, '', 0, 0, 0) ON CONFLICT DO NOTHING
                    """,
                    """
                    INSERT INTO sillok_checkpoints VALUES ('lengths', 1, 1, 0, \(name), 0, 0, 0, 0, '', 0, 0, '')
                    ON CONFLICT DO NOTHING
                    """,
                ].map { ReadModelWrite.Change($0) }))
        try await store.readModel.attach(
            InlineRule(id, source: .all) { event in
                let stream = event.stream?.text ?? "none"
                return [
                    """
                    INSERT INTO \(table: "lengths") VALUES (\(stream), 1, \(event.revision), \(event.position))
                    ON CONFLICT DO UPDATE SET events = events + 1, revision = excluded.revision,
                        position = excluded.position
                    """
                ]
            })
    }

    /// Expects that the rows match the log, with each event once.
    static func check(_ store: SQLiteEventStore) async throws {
        var expected: [StreamID: [SQLValue]] = [:]
        var events = 0
        for try await page in store.pages(.all) {
            for event in page.events {
                let stream = event.stream ?? "none"
                let before = expected[stream]?[0].integer ?? 0
                expected[stream] = [.integer(before + 1), event.revision.sqlValue, event.position.sqlValue]
                events += 1
            }
        }
        let rows = try await store.readModel.rows("SELECT stream, events, revision, position FROM lengths_v1_lengths")
        let found = Dictionary(rows.map { (StreamID($0["stream"].text ?? ""), Array($0.values[1...])) }) { $1 }
        #expect(found == expected)
        let report = try await ReadSide(of: store, in: store.readModel).verify("lengths")
        #expect(report.findings.isEmpty && report.events == UInt64(events))
        #expect(report.position == (try await store.head()))
    }
}
