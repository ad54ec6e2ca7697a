#if Postgres
import SillokCore

/// The SQL that answers a page: each alternative of the query walks one index in the order of positions.
struct PageQuery {
    private let schema: String
    private let request: ReadRequest
    private let isForward: Bool
    private var parameters = Parameters()
    private(set) var query = Query("")

    /// - Parameters:
    ///   - limit: how many rows at most, as SQL.
    ///   - bytes: rows after this many bytes are left out, but for one; `nil` where `limit` sees to it.
    /// - Returns: `nil` for a query that matches nothing.
    init?(_ request: ReadRequest, schema: String, limit: String, bytes: Int?) {
        guard !request.query.items.isEmpty else { return nil }
        self.schema = schema
        self.request = request
        isForward = request.direction == .forward
        var walks: [Walk] = []
        for item in request.query.items {
            let isOfTypesAlone = item.stream == nil && item.category == nil && item.tags.isEmpty
            if isOfTypesAlone && item.types.count > 1 {
                for type in item.types { walks.append(walk(EventQuery.Item(types: [type]))) }
            } else {
                walks.append(walk(item))
            }
        }
        var text: String
        let direction = isForward ? "ASC" : "DESC"
        if walks.count == 1 {
            text = "SELECT \(EventRow.columns) \(walks[0].text(order: direction, limit: limit))"
        } else {
            let positions = walks.map { walk in
                "(SELECT \(walk.position) AS position \(walk.text(order: direction, limit: limit)))"
            }
            text =
                "SELECT \(EventRow.columns) FROM (SELECT u.position FROM (\(positions.joined(separator: " UNION "))) u "
                + "ORDER BY u.position \(direction) LIMIT \(limit)) p JOIN \(schema).events e "
                + "ON e.position = p.position ORDER BY e.position \(direction)"
        }
        if let bytes {
            text =
                "SELECT * FROM (SELECT e.*, sum(octet_length(e.payload) + coalesce(octet_length(e.metadata), 0)) "
                + "OVER (ORDER BY e.position \(direction) ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING) AS before "
                + "FROM (\(text)) e) e WHERE coalesce(e.before, 0) < \(bytes) ORDER BY e.position \(direction)"
        }
        query = Query(text, parameters)
    }

    /// Where an alternative's events are found, and in which order.
    private struct Walk {
        let source: String
        var conditions: [String]
        let position: String
        let order: String

        func text(order direction: String, limit: String) -> String {
            let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
            return "FROM \(source)\(filter) ORDER BY \(order) \(direction) LIMIT \(limit)"
        }
    }

    private mutating func walk(_ item: EventQuery.Item) -> Walk {
        var walk: Walk
        var tags = item.tags[...]
        if let stream = item.stream {
            let name = bind(stream.text)
            walk = Walk(
                source: "\(schema).events e", conditions: ["e.stream = \(name)"], position: "e.position",
                order: "e.revision")
            walk.conditions += revisionBounds(name)
        } else if let tag = tags.popFirst() {
            walk = Walk(
                source: "\(schema).event_tags t JOIN \(schema).events e ON e.position = t.position",
                conditions: ["t.tag = \(bind(tag.text))"], position: "t.position", order: "t.position")
            walk.conditions += positionBounds("t.position")
        } else {
            walk = Walk(
                source: "\(schema).events e", conditions: [], position: "e.position", order: "e.position")
            walk.conditions += positionBounds("e.position")
        }
        if let category = item.category { walk.conditions.append("e.category = \(bind(category.text))") }
        if item.types.count == 1 {
            walk.conditions.append("e.type = \(bind(item.types[0].text))")
        } else if !item.types.isEmpty {
            parameters.add(item.types.map { $0.text as String? })
            walk.conditions.append("e.type = ANY (\(parameters.placeholder))")
        }
        for tag in tags {
            walk.conditions.append(
                "EXISTS (SELECT FROM \(schema).event_tags o WHERE o.tag = \(bind(tag.text)) "
                    + "AND o.position = \(walk.position))")
        }
        return walk
    }

    private mutating func positionBounds(_ column: String) -> [String] {
        var bounds: [String] = []
        switch request.after {
        case .position(let position)?: bounds.append("\(column) > \(bind(Int64(clamping: position.value)))")
        case .mark(let mark)?: bounds.append("\(column) > \(bind(Int64(clamping: mark.position.value)))")
        case .time(let time)?: bounds.append("\(column) > \(until(time, true))")
        case .revision?, nil: break
        }
        switch request.before {
        case .position(let position)?: bounds.append("\(column) < \(bind(Int64(clamping: position.value)))")
        case .mark(let mark)?: bounds.append("\(column) < \(bind(Int64(clamping: mark.position.value)))")
        case .time(let time)?: bounds.append("\(column) <= \(until(time, false))")
        case .revision?, nil: break
        }
        return bounds
    }

    /// The same bounds by the revisions of a stream, since its index is in their order.
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
#endif
