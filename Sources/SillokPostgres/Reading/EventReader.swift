#if Postgres
import SillokChain
import SillokCore

/// The queries of the log on a connection. Belongs to the connection's thread.
struct EventReader {
    private let connection: Connection
    private let schema: String
    let limits: Limits
    /// Whether the queries are part of an open transaction.
    private let isInTransaction: Bool

    init(_ connection: Connection, _ address: ServerAddress, limits: Limits, isInTransaction: Bool = false) {
        self.connection = connection
        schema = address.quotedSchema
        self.limits = limits
        self.isInTransaction = isInTransaction
    }

    /// The name of the schema, quoted for SQL.
    var schemaName: String { schema }

    func run(_ query: Query) throws(PostgresFailure) -> Rows { try connection.run(query) }

    /// The end of the log in a snapshot, with the ids of the events at some positions.
    private struct Ending {
        let head: EventMark
        /// An upper bound of the bytes of any event.
        let largest: Int
        /// Whether the server is a standby, which may lack the newest events.
        let isStandby: Bool
        let ids: [Position: EventID]

        init(_ rows: Rows, _ places: [Position]) throws(StoreError) {
            head = EventMark(position: Position(UInt64(clamping: try rows.int(0, 0))), id: rows.id(0, 2))
            largest = Int(try rows.int(0, 1))
            isStandby = rows.bytes(0, 3).first == 1
            var ids: [Position: EventID] = [:]
            for (index, place) in places.enumerated() { ids[place] = rows.id(0, index + 4) }
            ids[head.position] = head.id
            self.ids = ids
        }

        /// Throws unless the log has the event of a mark. A standby that does not have the event yet does not throw.
        func check(_ mark: EventMark) throws(StoreError) {
            guard mark.position <= head.position else {
                if isStandby { return }
                throw .logEnds(at: head.position, before: mark)
            }
            if let kept = mark.id, let found = ids[mark.position], found != kept {
                throw .otherEvent(found, at: mark)
            }
        }
    }

    private func endQuery(_ places: [Position]) -> Query {
        var parameters = Parameters()
        var columns = "coalesce(h.position, 0), s.largest, h.id, pg_is_in_recovery()"
        for place in places {
            parameters.add(Int64(clamping: place.value))
            columns += ", (SELECT e.id FROM \(schema).events e WHERE e.position = \(parameters.placeholder))"
        }
        return Query(
            "SELECT \(columns) FROM \(schema).store s LEFT JOIN LATERAL (SELECT e.position, e.id "
                + "FROM \(schema).events e ORDER BY e.position DESC LIMIT 1) AS h ON true", parameters, isKept: true)
    }

    /// Returns the last position of the log.
    func head() throws -> Position {
        try Ending(try connection.run(endQuery([])), []).head.position
    }

    /// Returns the ids of the events at positions, in their order, with `nil` where the log has none.
    func ids(at positions: [Position]) throws(PostgresFailure) -> [EventID?] {
        var parameters = Parameters()
        parameters.add(positions.map { Int64(clamping: $0.value) })
        let rows = try connection.run(
            Query(
                "SELECT (SELECT e.id FROM \(schema).events e WHERE e.position = n.position) "
                    + "FROM unnest($1) WITH ORDINALITY AS n (position, number) ORDER BY n.number", parameters))
        return (0..<rows.count).map { rows.id($0, 0) }
    }

    /// Returns the bytes of all tables and indexes.
    func storedBytes() throws -> UInt64 {
        var parameters = Parameters()
        parameters.add(schema)
        let rows = try connection.run(
            Query(
                "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c "
                    + "WHERE c.relkind = 'r' AND c.relnamespace = to_regnamespace($1)", parameters))
        return UInt64(clamping: try rows.int(0, 0))
    }

    /// Returns one page of events from one snapshot.
    func page(_ request: ReadRequest) throws -> EventBatch {
        var events: [RecordedEvent] = []
        events.reserveCapacity(min(request.limit, 1000))
        var bytes = 0
        var seen: Ending?
        var rest = request
        var isMeasured = false
        // One round trip is enough, unless the log has events so large that a page of them needs another query.
        while true {
            let part = try part(
                rest, count: request.limit - events.count, measured: isMeasured ? limits.pageBytes - bytes : nil)
            let end = seen ?? part.end
            let head = end.head.position
            if seen == nil { for mark in request.marks { try end.check(mark) } }
            seen = end
            for event in part.events where event.position <= head {
                if events.count == request.limit || bytes >= limits.pageBytes {
                    let mark = events.last.map { EventMark($0) } ?? .start
                    return EventBatch(events: events, mark: mark, isEnd: false, head: head)
                }
                bytes += event.data.size
                events.append(event)
            }
            if part.isCut, let last = part.events.last?.position, last <= head {
                isMeasured = true
                switch request.direction {
                case .forward: rest.after = .position(last)
                case .backward: rest.before = .position(last)
                }
                continue
            }
            if let reached = part.reached, reached.position <= head {
                return EventBatch(events: events, mark: reached, isEnd: false, head: head)
            }
            return lastPage(request, events, end)
        }
    }

    /// Returns the page at the end of a request.
    private func lastPage(_ request: ReadRequest, _ events: [RecordedEvent], _ end: Ending) -> EventBatch {
        let head = end.head.position
        // A standby that has less than the reader has seen does not move the reader back.
        let through = max(
            request.throughAtEnd(last: events.last?.position, head: head),
            request.marks.first { $0.position > head && request.direction == .forward }?.position ?? .start)
        return EventBatch(events: events, through: through, isEnd: true, head: head)
            .marked(request) { end.ids[$0] }
    }

    private struct Part {
        let end: Ending
        let events: [RecordedEvent]
        /// Whether there may be more events.
        let isCut: Bool
        /// How far the search has come, if its steps did not suffice.
        let reached: EventMark?
    }

    /// The events of a page, which arrive in parts.
    private struct FoundEvents {
        let isBounded: Bool
        var events: [RecordedEvent] = []
        var reached: EventMark?
        var failure: StoreError?

        mutating func add(_ rows: Rows) {
            do throws(StoreError) {
                // A search without a match still returns how far it came, in a row without an event.
                for row in 0..<rows.count where !rows.isNull(row, 0) { events.append(try EventRow.event(rows, row)) }
                guard isBounded, rows.count > 0, !rows.isNull(0, EventRow.count) else { return }
                let position = Position(UInt64(clamping: try rows.int(0, EventRow.count)))
                reached = EventMark(position: position, id: rows.id(0, EventRow.count + 1))
            } catch {
                failure = failure ?? error
            }
        }
    }

    /// Returns the next events of a request, one more than wanted, but not many more bytes than a page has.
    ///
    /// - Parameter measured: the server adds up the sizes of the events to this number of bytes, which takes a little
    ///   longer. With `nil` it assumes that every event is as large as the largest.
    private func part(_ request: ReadRequest, count: Int, measured: Int?) throws -> Part {
        let wanted = count + 1
        let room = 2 * limits.pageBytes
        let fitting = "least(\(wanted), \(room) / (SELECT s.largest FROM \(schema).store s) + 2)"
        // A page may take two searches; the second one measures.
        let size = PageQuery.Size(
            limit: measured == nil ? fitting : "\(wanted)", bytes: measured, steps: max(1, limits.pageSteps / 2))
        let places = request.places
        let ending = endQuery(places)
        guard let page = PageQuery(request, schema: schema, size) else {
            return Part(end: try Ending(try connection.run(ending), places), events: [], isCut: false, reached: nil)
        }
        var found = FoundEvents(isBounded: page.isBounded)
        let asked = isInTransaction ? [ending, page.query] : [.beginReading, ending] + page.queries + [.commit]
        let rows = try connection.run(asked) { found.add($0) }
        if let failure = found.failure { throw failure }
        let end = try Ending(rows[isInTransaction ? 0 : 1], places)
        let most = measured == nil ? min(wanted, room / max(1, end.largest) + 2) : wanted
        return Part(end: end, events: found.events, isCut: found.events.count >= most, reached: found.reached)
    }

    /// Returns the events with ids, in their order, with `nil` for an id that is not in the log.
    func events(_ ids: [EventID]) throws -> [RecordedEvent?] {
        var parameters = Parameters()
        parameters.add(ids)
        let rows = try connection.run(
            Query("SELECT \(EventRow.columns) FROM \(schema).events e WHERE e.id = ANY ($1)", parameters))
        var found: [EventID: RecordedEvent] = [:]
        for row in 0..<rows.count {
            let event = try EventRow.event(rows, row)
            found[event.id] = event
        }
        return ids.map { found[$0] }
    }

    /// Returns the links of the hash chain after a position.
    func links(after position: Position, limit: Int) throws -> [ChainLink] {
        var parameters = Parameters()
        parameters.add(Int64(clamping: position.value))
        parameters.add(Int64(limit))
        let rows = try connection.run(
            Query(
                "SELECT e.position, e.link FROM \(schema).events e WHERE e.position > $1 ORDER BY e.position LIMIT $2",
                parameters))
        return try (0..<rows.count).map { row in
            let position = try rows.int(row, 0)
            guard let digest = ChainDigest(rows.bytes(row, 1)) else { throw EventRow.damaged(position) }
            return ChainLink(position: Position(UInt64(clamping: position)), digest: digest)
        }
    }

    /// Returns how far a source has been consumed, or `nil`.
    func tracked(_ source: TrackingSource) throws -> Tracking? {
        var parameters = Parameters()
        parameters.add(source.text)
        let rows = try connection.run(
            Query(
                "SELECT t.position::text, CASE WHEN t.event_position = t.position THEN t.event END "
                    + "FROM \(schema).tracking t WHERE t.source = $1", parameters))
        guard rows.count > 0, let position = UInt64(rows.text(0, 0)) else { return nil }
        return Tracking(source: source, position: position, event: rows.id(0, 1))
    }
}

extension ReadRequest {
    /// The positions, other than the head, whose ids may be needed: at marks, and where the page may end.
    fileprivate var places: [Position] {
        var places = Set(marks.map(\.position))
        if direction == .forward, let before {
            let end = before.position?.previous ?? after?.position ?? .start
            if end > .start { places.insert(end) }
        }
        return places.sorted()
    }
}
#endif
