public import SillokCore

/// Who changed what, when and why: the question to a log. Everything that is given must hold.
///
/// ```swift
/// let audit = AuditQuery(.stream("account-42"), actor: "ada")
/// for try await page in store.audit(audit) {
///     for event in page.events { print(event.recordedAt, event.type, event.metadata.reason ?? "") }
/// }
/// ```
public struct AuditQuery: Hashable, Sendable {
    /// Which events.
    public var events: EventQuery

    /// Who did it.
    public var actor: String?

    /// What it belongs to.
    public var correlationID: String?

    /// The command that decided it.
    public var commandID: CommandID?

    /// Only events after this.
    public var after: ReadRequest.Bound?

    /// Only events before this.
    public var before: ReadRequest.Bound?

    /// In which order.
    public var direction: ReadRequest.Direction

    /// Creates a query for the events that match all given filters.
    public init(
        _ events: EventQuery = .all, actor: String? = nil, correlationID: String? = nil, commandID: CommandID? = nil,
        after: ReadRequest.Bound? = nil, before: ReadRequest.Bound? = nil,
        direction: ReadRequest.Direction = .forward
    ) {
        self.events = events
        self.actor = actor
        self.correlationID = correlationID
        self.commandID = commandID
        self.after = after
        self.before = before
        self.direction = direction
    }

    /// Whether the metadata of an event of the query match the filters.
    func matches(_ metadata: Metadata) -> Bool {
        if let actor, !isEqual(metadata.actor, actor) { return false }
        if let correlationID, !isEqual(metadata.correlationID, correlationID) { return false }
        if let commandID, metadata.commandID != commandID { return false }
        return true
    }

    private func isEqual(_ found: String?, _ wanted: String) -> Bool { found?.hasSameBytes(as: wanted) ?? false }
}

extension EventStore {
    /// The events that match an audit query, page by page. Each page is read when the caller requests it.
    ///
    /// A stream, category, type or tag is found by the index; actor, correlation and command are looked for in the
    /// metadata of the events that the rest leaves; not measured yet.
    public func audit(_ query: AuditQuery) -> Audit { Audit(store: self, query: query) }
}

/// The result of an ``AuditQuery``: pages of events. A page may be empty; its `through` is the last searched position.
public struct Audit: AsyncSequence, Sendable {
    let store: any EventStore
    let query: AuditQuery

    /// Starts at the beginning.
    public func makeAsyncIterator() -> Iterator {
        let request = ReadRequest(
            query.events, after: query.after, before: query.before, direction: query.direction,
            limit: store.limits.pageEvents)
        return Iterator(pages: store.pages(request).makeAsyncIterator(), query: query)
    }

    /// Reads page by page.
    public struct Iterator: AsyncIteratorProtocol {
        var pages: EventPages.AsyncIterator
        let query: AuditQuery

        /// The next page, with the events that answer; `nil` at the end.
        public mutating func next() async throws -> EventBatch? {
            guard let page = try await pages.next() else { return nil }
            let events = page.events.filter { query.matches($0.metadata) }
            return EventBatch(events: events, mark: page.mark, isEnd: page.isEnd, head: page.head)
        }
    }
}
