/// A query for events. An event matches the query if it matches any of the items.
///
/// ```swift
/// let everything: EventQuery = .all
/// let account: EventQuery = .stream("account-42")
/// let seats: EventQuery = .tags("course:7").of("subscribed", "unsubscribed")
/// let either = EventQuery.tags("course:7").or(.tags("student:3"))
/// ```
public struct EventQuery: Hashable, Sendable {
    /// One alternative. An event matches it if it meets every part that is given.
    public struct Item: Hashable, Sendable {
        /// The event belongs to this stream.
        public var stream: StreamID?

        /// The event's stream is of this category.
        public var category: StreamCategory?

        /// The event's type is one of these; an empty array means any type.
        public var types: [EventType]

        /// The event carries every one of these tags.
        public var tags: [EventTag]

        /// Creates an alternative. Without any part it matches every event.
        public init(
            stream: StreamID? = nil, category: StreamCategory? = nil, types: [EventType] = [], tags: [EventTag] = []
        ) {
            self.stream = stream
            self.category = category
            self.types = types
            self.tags = tags
        }

        /// Whether every event matches the alternative.
        public var matchesAll: Bool { stream == nil && category == nil && types.isEmpty && tags.isEmpty }

        /// Returns whether an event with this stream, type and tags matches.
        public func matches(stream: StreamID?, type: EventType, tags: [EventTag]) -> Bool {
            if let wanted = self.stream, wanted != stream { return false }
            if let category, category != stream?.category { return false }
            if !types.isEmpty && !types.contains(type) { return false }
            return self.tags.allSatisfy(tags.contains)
        }
    }

    /// The alternatives. An empty array matches nothing.
    public var items: [Item]

    /// Creates a query from alternatives.
    public init(_ items: [Item]) { self.items = items }

    /// The query for every event.
    public static let all = EventQuery([Item()])

    /// Returns the query for the events of one stream.
    public static func stream(_ stream: StreamID) -> EventQuery { EventQuery([Item(stream: stream)]) }

    /// Returns the query for the events of all streams of a category.
    public static func category(_ category: StreamCategory) -> EventQuery { EventQuery([Item(category: category)]) }

    /// Returns the query for the events of any of these types.
    public static func types(_ types: EventType...) -> EventQuery { .types(types) }

    /// Returns the query for the events of any of these types. With an empty list it matches no event.
    public static func types(_ types: [EventType]) -> EventQuery {
        EventQuery(types.isEmpty ? [] : [Item(types: types)])
    }

    /// Returns the query for the events that carry all of these tags.
    public static func tags(_ tags: EventTag...) -> EventQuery { .tags(tags) }

    /// Returns the query for the events that carry all of these tags. With an empty list it matches every event.
    public static func tags(_ tags: [EventTag]) -> EventQuery { EventQuery([Item(tags: tags)]) }

    /// Returns the query for the events that match any of these queries.
    public static func any(of queries: [EventQuery]) -> EventQuery { EventQuery(queries.flatMap(\.items)) }

    /// Returns the query for the events that match this query or the other.
    public func or(_ other: EventQuery) -> EventQuery { EventQuery(items + other.items) }

    /// Returns this query restricted to these types.
    ///
    /// An item that already names types keeps those of them that are also named here.
    public func of(_ types: EventType...) -> EventQuery { of(types) }

    /// Returns this query restricted to these types. With an empty list it matches no event.
    ///
    /// An item that already names types keeps those of them that are also named here.
    public func of(_ types: [EventType]) -> EventQuery {
        EventQuery(
            items.compactMap { item in
                var narrowed = item
                narrowed.types = item.types.isEmpty ? types : item.types.filter(types.contains)
                return narrowed.types.isEmpty ? nil : narrowed
            })
    }

    /// Returns whether an event with this stream, type and tags matches.
    public func matches(stream: StreamID?, type: EventType, tags: [EventTag]) -> Bool {
        items.contains { $0.matches(stream: stream, type: type, tags: tags) }
    }

    /// Returns whether a recorded event matches.
    public func matches(_ event: RecordedEvent) -> Bool {
        matches(stream: event.stream, type: event.type, tags: event.tags)
    }
}
