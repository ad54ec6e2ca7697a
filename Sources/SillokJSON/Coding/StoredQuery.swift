package import SillokCore

/// An event query as text, so that a tool without the code of the projection can run it.
package enum StoredQuery {
    private struct Item: Codable {
        var stream: String?
        var category: String?
        var types: [String]
        var tags: [String]
    }

    package static func text(of query: EventQuery) throws -> String {
        try PlainCoding.encode(
            query.items.map { item in
                Item(
                    stream: item.stream?.text, category: item.category?.text, types: item.types.map(\.text),
                    tags: item.tags.map(\.text))
            })
    }

    package static func query(of text: String) throws -> EventQuery {
        EventQuery(
            try PlainCoding.decode([Item].self, from: text).map { item in
                EventQuery.Item(
                    stream: item.stream.map { StreamID($0) }, category: item.category.map { StreamCategory($0) },
                    types: item.types.map { EventType($0) }, tags: item.tags.map { EventTag($0) })
            })
    }
}
