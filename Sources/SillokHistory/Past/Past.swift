public import Sillok
public import SillokCore
public import SillokProjections
public import SillokSQL

/// A log as it was at a moment: everything up to a position. It cannot be appended to.
///
/// ```swift
/// let monday = try await store.past(at: Timestamp("2026-11-23T18:00:00Z") ?? .init(microsecondsSince1970: 0))
/// ```
/// States, documents and whole read models of then are made from it, and rules that never held are tried on it: see
/// ``compare(_:with:over:after:by:limit:progress:)``. What is appended to the store meanwhile changes nothing of it.
public struct Past: Sendable {
    /// The last position that belongs to it.
    public let position: Position

    let store: PastStore

    init(_ store: any EventStore, _ position: Position) {
        self.store = PastStore(base: store, end: position)
        self.position = position
    }

    /// The events of a query, page by page.
    public func pages(_ query: EventQuery = .all) -> EventPages { store.pages(query) }

    /// Its streams in the order of their names, after `name`, of one category or of all; at most `limit`.
    public func streams(
        in category: Category? = nil, after name: StreamID? = nil, limit: Int = 1000
    ) async throws -> [StreamFacts] {
        try await store.streams(in: category, after: name, limit: limit)
    }

    /// The state of a decider, and the revision that its stream had.
    public func state<D: Decider>(of decider: D.Type, _ stream: StreamID) async throws -> (state: D, revision: Revision)
    {
        let coding = EventCoding<D.Event>()
        var subjects = Subjects<D>([.init(stream: stream)], limits: store.limits, schema: coding.schema)
        try await subjects.load(from: store, coding: coding)
        return (subjects.all[0].state, subjects.all[0].revision)
    }

    /// A read model as it was: a projection of everything up to the moment.
    ///
    /// - Parameters:
    ///   - projection: the rule.
    ///   - model: an empty read model, such as one in memory; or one that was made for an earlier moment, which goes on.
    ///   - progress: told how far it is; must not block.
    /// - Returns: the read model that was given.
    public func model<Model: ReadModel>(
        of projection: some Projection, in model: Model,
        progress: @escaping @Sendable (_ done: Position, _ of: Position) -> Void = { _, _ in }
    ) async throws -> Model {
        try await Projector(projection, .live, from: watched(progress), into: model).catchUp()
        return model
    }

    /// The documents of a projection as they were, by key. All of them are in memory.
    public func documents<Rule: DocumentProjection>(
        of projection: Rule, progress: @escaping @Sendable (_ done: Position, _ of: Position) -> Void = { _, _ in }
    ) async throws -> KeyedValues<Rule.Document> {
        var documents = KeyedValues<Rule.Document>()
        try await evolve(projection, from: watched(progress)) { key, event in
            documents[key] = try projection.evolve(documents[key], event)
        }
        return documents
    }

    /// One document of a projection as it was; `nil`: there was none. Reads the projection's source.
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
        for try await page in store.pages(coding.schema.stored(rule.source)) {
            for event in page.events {
                do {
                    for recorded in try coding.recorded(event, for: rule.source) {
                        if let key = rule.key(of: recorded) { try body(key, recorded) }
                    }
                } catch is UnknownEventType where rule.unknownTypes == .ignore {}
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
    /// The log as it is now, whatever is appended later.
    public func past() async throws -> Past { Past(self, try await head()) }

    /// The log as it was when it had come to a position.
    public func past(at position: Position) async throws -> Past { Past(self, min(position, try await head())) }

    /// The log as it was at a time: all events that were recorded at it or before.
    public func past(at time: Timestamp) async throws -> Past { Past(self, try await self.position(at: time)) }
}
