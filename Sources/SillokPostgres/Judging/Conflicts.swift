#if Postgres
import SillokCore
import SillokIndex

extension EventReader {
    /// Returns why a condition did not hold when the head of the log was `head`. Events below a head do not change.
    ///
    /// The conflict shows fewer events if the search for them takes more than `Limits.conditionSteps`.
    func conflict(of append: PreparedAppend, head: Position) throws -> AppendConflict {
        let mismatches = try mismatches(append.request.condition.revisions, head)
        var positions = try firstEvents(of: mismatches, head)
        var condition = JudgedCondition(append.request.condition)
        condition.heldThrough = append.condition.heldThrough
        positions += try firstMatches(condition, head)
        // The event that was found when the condition was judged is shown, even if the search for all takes too long.
        if positions.isEmpty { positions = try firstMatches(append.condition, head) }
        let shown = Array(Set(positions)).sorted().prefix(limits.conflictEvents)
        let events = try events(at: Array(shown))
        return AppendConflict(streams: mismatches, events: limits.shownInConflict(events), head: head)
    }

    private func mismatches(
        _ revisions: [StreamID: Revision], _ head: Position
    ) throws -> [StreamID: AppendConflict.RevisionMismatch] {
        if revisions.isEmpty { return [:] }
        let names = Array(revisions.keys)
        var parameters = Parameters()
        parameters.add(names.map { $0.text as String? })
        parameters.add(Int64(clamping: head.value))
        let rows = try run(
            Query(
                "SELECT \(schemaName).revision_at(n.name, $2) FROM unnest($1) WITH ORDINALITY AS n (name, number) "
                    + "ORDER BY n.number", parameters))
        var mismatches: [StreamID: AppendConflict.RevisionMismatch] = [:]
        for (row, name) in names.enumerated() {
            let actual = Revision(UInt64(clamping: try rows.int(row, 0)))
            guard let expected = revisions[name], expected != actual else { continue }
            mismatches[name] = .init(expected: expected, actual: actual)
        }
        return mismatches
    }

    /// Returns the positions of the events after the expected revisions.
    private func firstEvents(
        of mismatches: [StreamID: AppendConflict.RevisionMismatch], _ head: Position
    ) throws -> [Int64] {
        if mismatches.isEmpty { return [] }
        let names = Array(mismatches.keys)
        var parameters = Parameters()
        parameters.add(names.map { $0.text as String? })
        parameters.add(names.map { Int64(clamping: mismatches[$0]?.expected.value ?? 0) })
        parameters.add(Int64(clamping: head.value))
        parameters.add(Int64(limits.conflictEvents))
        let rows = try run(
            Query(
                """
                SELECT f.position FROM unnest($1, $2) AS n (name, revision), LATERAL (
                    SELECT e.position FROM \(schemaName).events e WHERE e.stream = n.name AND e.revision > n.revision
                    AND e.position <= $3 ORDER BY e.revision LIMIT $4) f ORDER BY f.position LIMIT $4
                """, parameters))
        return try (0..<rows.count).map { try rows.int($0, 0) }
    }

    /// Returns the positions of the events that match the queries, up to the end of the shortest search.
    private func firstMatches(_ condition: JudgedCondition, _ head: Position) throws -> [Int64] {
        if condition.parts.isEmpty { return [] }
        var parameters = Parameters()
        parameters.add(items: condition.parts.map(\.item.normalized))
        parameters.add(condition.parts.map { max($0.since, condition.heldThrough ?? 0) })
        parameters.add(Int64(clamping: head.value))
        parameters.add(Int64(limits.conflictEvents))
        parameters.add(Int64(max(1, limits.conditionSteps / condition.parts.count)))
        let rows = try run(
            Query(
                """
                WITH found AS MATERIALIZED (
                    SELECT m.positions, m.reached
                    FROM unnest($1, $2, $3, $4, $5) AS i (stream, category, types, tags, since),
                    LATERAL \(schemaName).matches_after(i.stream, i.category, string_to_array(i.types, E'\\x01'),
                        string_to_array(i.tags, E'\\x01'), i.since, $6 + 1, $7, $8) m)
                SELECT DISTINCT p.position FROM found f, unnest(f.positions) AS p (position)
                WHERE p.position <= coalesce((SELECT min(s.reached) FROM found s), $6) ORDER BY p.position LIMIT $7
                """, parameters))
        return try (0..<rows.count).map { try rows.int($0, 0) }
    }

    private func events(at positions: [Int64]) throws -> [RecordedEvent] {
        var parameters = Parameters()
        parameters.add(positions)
        let rows = try run(
            Query(
                "SELECT \(EventRow.columns) FROM unnest($1) AS p (position) "
                    + "JOIN \(schemaName).events e ON e.position = p.position ORDER BY e.position", parameters))
        return try (0..<rows.count).map { try EventRow.event(rows, $0) }
    }
}
#endif
