#if Postgres
import SillokCore
import SillokIndex

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
