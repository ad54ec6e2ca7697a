#if Postgres
import SillokCore
import SillokIndex

/// The SQL query for a page.
///
/// An item with one part scans one index, in which every entry is a match. Items with several parts, and large numbers
/// of items, use functions on the server that search within a number of steps.
struct PageQuery {
    private let schema: String
    private let request: ReadRequest
    private let isForward: Bool
    private var parameters = Parameters()
    private(set) var query = Query("")
    /// Whether the search may end before the end of the page. Then the last column contains where.
    let isBounded: Bool

    /// The queries for the page in an open transaction. A full page of a walk through history is fetched in four parts:
    /// the server finds the next part while one is decoded.
    var queries: [Query] {
        guard isForward, let first = request.after?.position, let end = request.before?.position,
            end.value > first.value, end.value - first.value > UInt64(request.limit)
        else { return [query] }
        var part = Query("FETCH \((request.limit + 4) / 4) FROM page")
        part.isHandedOver = true
        return [Query("DECLARE page NO SCROLL CURSOR FOR " + query.text, query.parameters), part, part, part, part]
    }

    /// The size limits of a result.
    struct Size {
        /// The maximum number of rows, as SQL.
        let limit: String
        /// The number of bytes after which rows are left out, except the first; `nil` if `limit` bounds the bytes.
        let bytes: Int?
        /// The steps that the search may take.
        let steps: Int
    }

    /// - Returns: `nil` for a query that matches nothing.
    init?(_ request: ReadRequest, schema: String, _ size: Size) {
        let items = request.query.items.distinct
        guard !items.isEmpty else { return nil }
        self.schema = schema
        self.request = request
        isForward = request.direction == .forward
        let lists = items.reduce(0) { $0 + max(1, $1.types.count) }
        isBounded = items.contains { $0.parts > 1 } || lists > max(1, size.steps / max(1, request.limit))
        var text = isBounded ? search(items, size) : walks(items, size.limit)
        if let bytes = size.bytes {
            let direction = isForward ? "ASC" : "DESC"
            text =
                "SELECT * FROM (SELECT e.*, sum(octet_length(e.payload) + coalesce(octet_length(e.metadata), 0)) "
                + "OVER (ORDER BY e.position \(direction) ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING) AS before "
                + "FROM (\(text)) e) e WHERE coalesce(e.before, 0) < \(bytes) ORDER BY e.position \(direction)"
        }
        query = Query(text, parameters)
        query.isHandedOver = true
    }
}

// MARK: The search

extension PageQuery {
    /// Returns the SQL for the matches of each item up to the end of the shortest search, and for that end, which is
    /// NULL at the end of the range.
    private mutating func search(_ items: [EventQuery.Item], _ size: Size) -> String {
        parameters.add(items: items)
        let function = isForward ? "matches_after" : "matches_before"
        let (order, shortest, upTo) = isForward ? ("ASC", "min", "<=") : ("DESC", "max", ">=")
        let head = "(SELECT coalesce(max(h.position), 0) FROM \(schema).events h)"
        return """
            WITH found AS MATERIALIZED (
                SELECT m.positions, m.reached FROM unnest($1, $2, $3, $4) AS i (stream, category, types, tags),
                LATERAL \(schema).\(function)(i.stream, i.category, string_to_array(i.types, E'\\x01'),
                    string_to_array(i.tags, E'\\x01'), \(lowerBound), least(\(upperBound), \(head) + 1), \(size.limit),
                    \(max(1, size.steps / items.count))) m),
            stop AS (SELECT \(shortest)(f.reached) AS reached FROM found f)
            SELECT \(EventRow.columns), s.reached, (SELECT r.id FROM \(schema).events r WHERE r.position = s.reached)
                AS reached_id FROM stop s LEFT JOIN (
                (SELECT DISTINCT p.position FROM found f, stop s, unnest(f.positions) AS p (position)
                    WHERE s.reached IS NULL OR p.position \(upTo) s.reached
                    ORDER BY p.position \(order) LIMIT \(size.limit)) p
                JOIN \(schema).events e ON e.position = p.position) ON true ORDER BY e.position \(order)
            """
    }

    /// The SQL for the position after which events are wanted.
    private var lowerBound: String {
        mutating get {
            switch request.after {
            case .position(let position)?: return bind(Int64(clamping: position.value))
            case .mark(let mark)?: return bind(Int64(clamping: mark.position.value))
            case .time(let time)?: return until(time, true)
            case .revision(let revision)? where revision.value > 0: return position(of: revision)
            case .revision?, nil: return "0"
            }
        }
    }

    /// The SQL for the position before which events are wanted.
    private var upperBound: String {
        mutating get {
            switch request.before {
            case .position(let position)?: return bind(Int64(clamping: position.value))
            case .mark(let mark)?: return bind(Int64(clamping: mark.position.value))
            case .time(let time)?: return "\(until(time, false)) + 1"
            case .revision(let revision)?: return revision.value > 0 ? position(of: revision) : "0"
            case nil: return "\(Int64.max)"
            }
        }
    }

    /// Returns the SQL for the position of a revision of the query's one stream. If the stream does not have it, the
    /// position is behind all events.
    private mutating func position(of revision: Revision) -> String {
        let stream = bind(request.query.items.first?.stream?.text ?? "")
        return "coalesce((SELECT r.position FROM \(schema).events r WHERE r.stream = \(stream) "
            + "AND r.revision = \(bind(Int64(clamping: revision.value)))), \(Int64.max))"
    }
}

// MARK: Walks along one index

extension PageQuery {
    /// Returns the SQL for the events of items with one part each.
    private mutating func walks(_ items: [EventQuery.Item], _ limit: String) -> String {
        var walks: [Walk] = []
        for item in items {
            if item.types.count > 1 {
                for type in item.types { walks.append(walk(EventQuery.Item(types: [type]))) }
            } else {
                walks.append(walk(item))
            }
        }
        let direction = isForward ? "ASC" : "DESC"
        if walks.count == 1 {
            return "SELECT \(EventRow.columns) \(walks[0].text(order: direction, limit: limit))"
        }
        let positions = walks.map { walk in
            "(SELECT \(walk.position) AS position \(walk.text(order: direction, limit: limit)))"
        }
        return "SELECT \(EventRow.columns) FROM (SELECT u.position FROM (\(positions.joined(separator: " UNION "))) u "
            + "ORDER BY u.position \(direction) LIMIT \(limit)) p JOIN \(schema).events e "
            + "ON e.position = p.position ORDER BY e.position \(direction)"
    }

    /// The table, the condition and the order in which the events of an item are found.
    private struct Walk {
        let source: String
        var conditions: [String]
        let position: String
        let order: [String]

        func text(order direction: String, limit: String) -> String {
            let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
            let order = order.map { "\($0) \(direction)" }.joined(separator: ", ")
            return "FROM \(source)\(filter) ORDER BY \(order) LIMIT \(limit)"
        }
    }

    private mutating func walk(_ item: EventQuery.Item) -> Walk {
        let events = "\(schema).events e"
        if let stream = item.stream {
            let name = bind(stream.text)
            let bounds = ["e.stream = \(name)"] + revisionBounds(name)
            return Walk(source: events, conditions: bounds, position: "e.position", order: ["e.revision"])
        }
        if let tag = item.tags.first {
            let bounds = ["t.tag = \(bind(tag.text))"] + positionBounds("t.position")
            return Walk(
                source: "\(schema).event_tags t JOIN \(events) ON e.position = t.position", conditions: bounds,
                position: "t.position", order: ["t.position"])
        }
        if let category = item.category { return walk("category", of: bind(category.text)) }
        if let type = item.types.first { return walk("type", of: bind(type.text)) }
        return Walk(
            source: events, conditions: positionBounds("e.position"), position: "e.position", order: ["e.position"])
    }

    /// Returns the scan for the events whose column has a value. Only the index on both columns can serve row
    /// comparisons, even for a value that is not in the statistics yet.
    private mutating func walk(_ column: String, of value: String) -> Walk {
        let pair = "ROW(e.\(column), e.position)"
        let bounds = [
            "\(pair) > ROW(\(value), \(lowerBound))", "\(pair) < ROW(\(value), \(upperBound))",
            "e.\(column) IS NOT NULL",
        ]
        return Walk(
            source: "\(schema).events e", conditions: bounds, position: "e.position",
            order: ["e.\(column)", "e.position"])
    }

    private mutating func positionBounds(_ column: String) -> [String] {
        var bounds: [String] = []
        if request.after != nil { bounds.append("\(column) > \(lowerBound)") }
        if request.before != nil { bounds.append("\(column) < \(upperBound)") }
        return bounds
    }

    /// Returns the same bounds as revisions of a stream, because its index has their order.
    private mutating func revisionBounds(_ stream: String) -> [String] {
        func at(_ position: String) -> String { "(SELECT \(schema).revision_at(\(stream), \(position)))" }
        var bounds: [String] = []
        switch request.after {
        case .position(.start)?, .mark(.start)?, nil: break
        case .mark(let mark)?: bounds.append("e.revision > \(at(bind(Int64(clamping: mark.position.value))))")
        case .position(let position)?: bounds.append("e.revision > \(at(bind(Int64(clamping: position.value))))")
        case .time(let time)?: bounds.append("e.revision > \(at(until(time, true)))")
        case .revision(let revision)?: bounds.append("e.revision > \(bind(Int64(clamping: revision.value)))")
        }
        switch request.before {
        case .position(let position)?:
            bounds.append("e.revision <= \(at(bind(Int64(clamping: position.previous.value))))")
        case .mark(let mark)?:
            bounds.append("e.revision <= \(at(bind(Int64(clamping: mark.position.previous.value))))")
        case .time(let time)?: bounds.append("e.revision <= \(at(until(time, false)))")
        case .revision(let revision)?: bounds.append("e.revision < \(bind(Int64(clamping: revision.value)))")
        case nil: break
        }
        return bounds
    }

    private mutating func until(_ time: Timestamp, _ isIncluded: Bool) -> String {
        "(SELECT \(schema).recorded_until(\(bind(time.microsecondsSince1970)), \(isIncluded)))"
    }

    private mutating func bind(_ text: String) -> String {
        parameters.add(text)
        return parameters.placeholder
    }

    private mutating func bind(_ number: Int64) -> String {
        parameters.add(number)
        return parameters.placeholder
    }
}

extension EventQuery.Item {
    /// The number of compared lists of positions: one for each tag, and one each for types, category and stream.
    var parts: Int { tags.count + (types.isEmpty ? 0 : 1) + (category == nil ? 0 : 1) + (stream == nil ? 0 : 1) }

    /// The number of index lookups that find its first event; each type needs one.
    var lists: Int { parts + max(0, types.count - 1) }
}

extension [EventQuery.Item] {
    /// The distinct items.
    var distinct: [EventQuery.Item] {
        var seen: Set<EventQuery.Item> = []
        return map(\.normalized).filter { seen.insert($0).inserted }
    }
}

extension Parameters {
    /// Adds items as four arrays: streams, categories, types and tags.
    mutating func add(items: [EventQuery.Item]) {
        add(items.map { $0.stream?.text })
        add(items.map { $0.category?.text })
        add(items.map { Self.joined($0.types.map(\.text)) })
        add(items.map { Self.joined($0.tags.map(\.text)) })
    }

    /// Returns the names joined to one text, because no name contains a control character; `nil` if there are none.
    static func joined(_ names: [String]) -> String? { names.isEmpty ? nil : names.joined(separator: "\u{1}") }
}
#endif
