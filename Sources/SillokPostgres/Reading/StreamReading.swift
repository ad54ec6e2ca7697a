#if Postgres
import SillokCore

extension EventReader {
    /// Returns the facts about a stream, or `nil`.
    func facts(of stream: StreamID) throws -> StreamFacts? {
        var parameters = Parameters()
        parameters.add(stream.text)
        return try facts("(VALUES ($1)) AS n (stream)", parameters).first
    }

    /// Returns streams after a name, ordered by the bytes of their names.
    func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) throws -> [StreamFacts] {
        guard let category else { return try streams("e.stream > $1", [name?.text ?? ""], limit) }
        // A category contains the stream with its own name, and those whose names continue with a dash.
        var found: [StreamFacts] = []
        let own = StreamID(category.text)
        if name.map({ $0 < own }) ?? true, let facts = try facts(of: own) { found.append(facts) }
        let (low, high) = (category.text + "-", category.text + ".")
        let filter = "e.stream > $1 AND e.stream >= $2 AND e.stream < $3"
        return Array((found + (try streams(filter, [name?.text ?? "", low, high], limit))).prefix(limit))
    }

    /// Finds each next name in the index of streams.
    private func streams(_ filter: String, _ values: [String], _ limit: Int) throws -> [StreamFacts] {
        var parameters = Parameters()
        for value in values { parameters.add(value) }
        parameters.add(Int64(limit))
        let events = "\(schemaName).events"
        let next = filter.replacing("$1", with: "n.stream")
        let source = """
            (WITH RECURSIVE n AS (
                (SELECT e.stream FROM \(events) e WHERE \(filter) ORDER BY e.stream, e.revision LIMIT 1)
                UNION ALL
                SELECT (SELECT e.stream FROM \(events) e WHERE \(next) ORDER BY e.stream, e.revision LIMIT 1)
                FROM n WHERE n.stream IS NOT NULL)
            SELECT n.stream FROM n WHERE n.stream IS NOT NULL LIMIT \(parameters.placeholder)) AS n
            """
        return try facts(source, parameters)
    }

    private func facts(_ source: String, _ parameters: Parameters) throws -> [StreamFacts] {
        let events = "\(schemaName).events"
        let rows = try run(
            Query(
                """
                SELECT n.stream, last.revision, last.position, first.recorded, last.recorded FROM \(source),
                LATERAL (SELECT e.revision, e.position, e.recorded FROM \(events) e WHERE e.stream = n.stream
                    ORDER BY e.revision DESC LIMIT 1) AS last,
                LATERAL (SELECT e.recorded FROM \(events) e WHERE e.stream = n.stream
                    ORDER BY e.revision LIMIT 1) AS first
                """, parameters))
        return try (0..<rows.count).map { row in
            StreamFacts(
                id: StreamID(rows.text(row, 0)), revision: Revision(UInt64(clamping: try rows.int(row, 1))),
                lastPosition: Position(UInt64(clamping: try rows.int(row, 2))),
                firstRecordedAt: Timestamp(microsecondsSince1970: try rows.int(row, 3)),
                lastRecordedAt: Timestamp(microsecondsSince1970: try rows.int(row, 4)))
        }
    }
}
#endif
