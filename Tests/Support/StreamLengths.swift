package import SillokCore
import SillokProjections
package import SillokSQL

/// An inline projection of all events: the number of events of each stream, and the position of the last one.
package enum StreamLengths {
    package static let id = ProjectionID("lengths", version: 1)

    /// The error of the rule for an event of the type `refused`.
    package struct Refused: Error {}

    /// Creates the tables if they are missing, and attaches the rule.
    ///
    /// - Parameter onEvent: is called for each event before the rule returns its changes. It may throw.
    package static func attach(
        to model: some InlineReadModel, onEvent: @escaping @Sendable (RecordedEvent) throws -> Void = { _ in }
    ) async throws {
        let name = try await model.storeID().description
        let changes: [SQL] = [
            "CREATE TABLE IF NOT EXISTS lengths_v1_lengths (stream TEXT PRIMARY KEY, events, revision, position)",
            """
            INSERT INTO sillok_builds VALUES ('lengths', 1, 1, 'live', 1, 'inline', '[{"types":[],"tags":[]}]',
                'total', 'lengths', 0, '', 0, 0, 0) ON CONFLICT DO NOTHING
            """,
            """
            INSERT INTO sillok_checkpoints VALUES ('lengths', 1, 1, 0, \(name), 0, 0, 0, 0, '', 0, 0, '')
            ON CONFLICT DO NOTHING
            """,
        ]
        try await model.write(ReadModelWrite(changes.map { ReadModelWrite.Change($0) }))
        try await model.attach(
            InlineRule(id, source: .all) { event in
                try onEvent(event)
                if event.type == "refused" { throw Refused() }
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

    /// Returns the differences between the rows and the log, whose events must be in the rows once each.
    package static func findings(_ store: any EventStore, _ model: some ReadModel) async throws -> [String] {
        var expected: [StreamID: [SQLValue]] = [:]
        var events: UInt64 = 0
        for try await page in store.pages(.all) {
            for event in page.events {
                let stream = event.stream ?? "none"
                let before = expected[stream]?[0].integer ?? 0
                expected[stream] = [.integer(before + 1), event.revision.sqlValue, event.position.sqlValue]
                events += 1
            }
        }
        let rows = try await model.rows("SELECT stream, events, revision, position FROM lengths_v1_lengths")
        let found = Dictionary(rows.map { (StreamID($0["stream"].text ?? ""), Array($0.values[1...])) }) { $1 }
        var findings: [String] = []
        if found != expected { findings.append("the rows are \(found), expected \(expected)") }
        let report = try await ReadSide(of: store, in: model).verify("lengths")
        findings += report.findings.map { "\($0)" }
        if report.events != events { findings.append("\(report.events) events were projected of \(events)") }
        let head = try await store.head()
        if report.position != head { findings.append("the checkpoint is at \(report.position), the head at \(head)") }
        return findings
    }
}
