public import Sillok
public import SillokCore
public import SillokProjections
public import SillokSQL

/// A log at a past moment: all events up to a position. It cannot be appended to.
///
/// ```swift
/// let monday = try await store.past(at: "2026-11-23T18:00:00Z")
/// ```
/// It gives past states, documents and whole read models. It can also try other rules on the same events: see
/// ``compare(_:with:over:after:by:limit:progress:)``. Later appends to the store do not change it.
public struct Past: Sendable {
    /// The last position of the past log.
    public let position: Position

    let store: PastStore

    /// The past log as a store that cannot be appended to.
    package var log: any EventStore { store }

    init(_ store: any EventStore, _ position: Position) {
        self.store = PastStore(base: store, end: position)
        self.position = position
    }

    /// Returns the events of a query, page by page.
    public func pages(_ query: EventQuery = .all) -> EventPages { store.pages(query) }

    /// Returns at most `limit` streams of one category, or of all, whose names come after `name`, in the order of their
    /// names.
    public func streams(
        in category: StreamCategory? = nil, after name: StreamID? = nil, limit: Int = 1000
    ) async throws -> [StreamFacts] {
        try await store.streams(in: category, after: name, limit: limit)
    }

    /// Returns the state of a stream at that moment, replayed by a decider, and the revision of the stream.
    public func state<D: Decider>(of decider: D.Type, _ stream: StreamID) async throws -> (state: D, revision: Revision)
    {
        let coding = EventCoding<D.Event>()
        var subjects = Subjects<D>([.init(stream: stream)], limits: store.limits, coding: coding)
        try await subjects.load(from: store, coding: coding)
        return (subjects.all[0].state, subjects.all[0].revision)
    }

    /// Builds a past read model: a projection of all events up to the moment.
    ///
    /// - Parameters:
    ///   - projection: the rule.
    ///   - model: an empty read model, such as one in memory, or one that was built for an earlier moment and is
    ///     continued.
    ///   - progress: called with the progress; must not block.
    /// - Returns: the given read model.
    public func model<Model: ReadModel>(
        of projection: some Projection, in model: Model,
        progress: @escaping @Sendable (_ done: Position, _ of: Position) -> Void = { _, _ in }
    ) async throws -> Model {
        try await Projector(projection, .live, from: watched(progress), into: model).catchUp()
        return model
    }

    /// Returns the documents of a projection at that moment, by key. It keeps all of them in memory.
    public func documents<Rule: DocumentProjection>(
        of projection: Rule, progress: @escaping @Sendable (_ done: Position, _ of: Position) -> Void = { _, _ in }
    ) async throws -> KeyedValues<Rule.Document> {
        var documents = KeyedValues<Rule.Document>()
        try await evolve(projection, from: watched(progress)) { key, event in
            documents[key] = try projection.evolve(documents[key], event)
        }
        return documents
    }

    /// Returns one document of a projection at that moment, or `nil` if there was none. It reads all events of the
    /// projection's source.
    public func document<Rule: DocumentProjection>(of projection: Rule, _ key: String) async throws -> Rule.Document? {
        var document: Rule.Document?
        try await evolve(projection, from: store) { other, event in
            if other.hasSameBytes(as: key) { document = try projection.evolve(document, event) }
        }
        return document
    }

    private func evolve<Rule: DocumentProjection>(
        _ rule: Rule, from store: PastStore, _ body: (String, Recorded<Rule.Event>) throws -> Void
    ) async throws {
        let coding = EventCoding<Rule.Event>()
        let ignores = rule.unknownTypes == .ignore
        for try await page in store.pages(coding.schema.stored(rule.source)) {
            for event in page.events {
                do {
                    for recorded in try coding.recorded(event, for: rule.source, ignoringUnknown: ignores) {
                        if let key = rule.key(of: recorded) { try body(key, recorded) }
                    }
                } catch is UnknownEventType where ignores {}
            }
        }
    }

    func watched(_ progress: @escaping @Sendable (Position, Position) -> Void) -> PastStore {
        let end = position
        var store = store
        store.onPage = { progress(min($0, end), end) }
        return store
    }
}

extension EventStore {
    /// Returns the log up to the current head, without later appends.
    public func past() async throws -> Past { Past(self, try await head()) }

    /// Returns the log up to a position.
    public func past(at position: Position) async throws -> Past { Past(self, min(position, try await head())) }

    /// Returns the log at a past time: all events that were recorded at or before it.
    public func past(at time: Timestamp) async throws -> Past { Past(self, try await self.position(at: time)) }
}
