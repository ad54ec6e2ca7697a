#if Postgres
import SillokCore

extension EventQuery.Item {
    /// The number of lists of positions that are compared: one for each tag, the types together, the category, the
    /// stream.
    var parts: Int { tags.count + (types.isEmpty ? 0 : 1) + (category == nil ? 0 : 1) + (stream == nil ? 0 : 1) }

    /// The number of look-ups in an index that find its first event: each type has one.
    var lists: Int { parts + max(0, types.count - 1) }

    /// The same item with each name once, in the order of the names: equal questions are equal items.
    var tidy: EventQuery.Item {
        if types.count < 2 && tags.count < 2 { return self }
        return EventQuery.Item(
            stream: stream, category: category, types: Set(types).sorted(), tags: Set(tags).sorted())
    }
}

extension [EventQuery.Item] {
    /// Each question once.
    var distinct: [EventQuery.Item] {
        var seen: Set<EventQuery.Item> = []
        return map(\.tidy).filter { seen.insert($0).inserted }
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

    /// Names in one text: no name has a control character. `nil` for none.
    static func joined(_ names: [String]) -> String? { names.isEmpty ? nil : names.joined(separator: "\u{1}") }
}
#endif
