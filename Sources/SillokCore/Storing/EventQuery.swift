/// Which events: an event matches if it matches any of the items.
///
/// ```swift
/// let everything: EventQuery = .all
/// let account: EventQuery = .stream("account-42")
/// let seats: EventQuery = .tags("course:7").of("subscribed", "unsubscribed")
/// let either = EventQuery.tags("course:7").or(.tags("student:3"))
/// ```
public struct EventQuery: Hashable, Sendable {
    /// One alternative: an event matches if it meets every part that is given.
    public struct Item: Hashable, Sendable {
        /// It belongs to this stream.
        public var stream: StreamID?

        /// Its stream is of this category.
        public var category: Category?

        /// Its type is one of these; none given: any type.
        public var types: [EventType]

        /// It carries every one of these tags.
        public var tags: [Tag]

        /// An alternative with all of its parts; without any it matches every event.
        public init(stream: StreamID? = nil, category: Category? = nil, types: [EventType] = [], tags: [Tag] = []) {
            self.stream = stream
            self.category = category
            self.types = types
            self.tags = tags
        }

        /// Whether every event matches.
        public var matchesAll: Bool { stream == nil && category == nil && types.isEmpty && tags.isEmpty }

        /// Whether an event in a stream, of a type, with tags, matches.
        public func matches(stream: StreamID?, type: EventType, tags: [Tag]) -> Bool {
            if let wanted = self.stream, wanted != stream { return false }
            if let category, category != stream?.category { return false }
            if !types.isEmpty && !types.contains(type) { return false }
            return self.tags.allSatisfy(tags.contains)
        }
    }

    /// The alternatives. None matches nothing.
    public var items: [Item]

    /// A query of alternatives.
    public init(_ items: [Item]) { self.items = items }

    /// Every event.
    public static let all = EventQuery([Item()])

    /// The events of one stream.
    public static func stream(_ stream: StreamID) -> EventQuery { EventQuery([Item(stream: stream)]) }

    /// The events of all streams of a category.
    public static func category(_ category: Category) -> EventQuery { EventQuery([Item(category: category)]) }

    /// The events of any of these types.
    public static func types(_ types: EventType...) -> EventQuery { .types(types) }

    /// The events of any of these types; of none for an empty list.
    public static func types(_ types: [EventType]) -> EventQuery {
        EventQuery(types.isEmpty ? [] : [Item(types: types)])
    }

    /// The events that carry all of these tags.
    public static func tags(_ tags: Tag...) -> EventQuery { .tags(tags) }

    /// The events that carry all of these tags; every event for an empty list.
    public static func tags(_ tags: [Tag]) -> EventQuery { EventQuery([Item(tags: tags)]) }

    /// The events that match any of these queries.
    public static func any(of queries: [EventQuery]) -> EventQuery { EventQuery(queries.flatMap(\.items)) }

    /// The events that match this query or the other.
    public func or(_ other: EventQuery) -> EventQuery { EventQuery(items + other.items) }

    /// Of this query's events, those of any of these types.
    ///
    /// An item that already names types keeps those of them that are also named here.
    public func of(_ types: EventType...) -> EventQuery { of(types) }

    /// Of this query's events, those of any of these types; none for an empty list.
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

    /// Whether an event in a stream, of a type, with tags, matches.
    public func matches(stream: StreamID?, type: EventType, tags: [Tag]) -> Bool {
        items.contains { $0.matches(stream: stream, type: type, tags: tags) }
    }

    /// Whether a recorded event matches.
    public func matches(_ event: RecordedEvent) -> Bool {
        matches(stream: event.stream, type: event.type, tags: event.tags)
    }
}
