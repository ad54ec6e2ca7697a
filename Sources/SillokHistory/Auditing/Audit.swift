public import SillokCore

/// A query for who changed what, when and why. An event matches if it matches every filter that is given.
///
/// ```swift
/// let audit = AuditQuery(.stream("account-42"), actor: "ada")
/// for try await page in store.audit(audit) {
///     for event in page.events { print(event.recordedAt, event.type, event.metadata.reason ?? "") }
/// }
/// ```
public struct AuditQuery: Hashable, Sendable {
    /// The query for the events to search; by default all events.
    public var events: EventQuery

    /// The actor of the events; `nil` means any.
    public var actor: String?

    /// The correlation id of the events; `nil` means any.
    public var correlationID: String?

    /// The command that decided the events; `nil` means any.
    public var commandID: CommandID?

    /// Only events after this.
    public var after: ReadRequest.Bound?

    /// Only events before this.
    public var before: ReadRequest.Bound?

    /// The order of the events.
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
    /// Returns the events that match an audit query, page by page. Each page is read when the caller requests it.
    ///
    /// The index finds events by stream, category, type and tag. Actor, correlation and command are compared with the
    /// metadata of each event that the index finds, so a query by these alone reads the whole log.
    public func audit(_ query: AuditQuery) -> Audit { Audit(store: self, query: query) }
}

/// The result of an ``AuditQuery``: pages of events. A page may be empty; its `through` is the last searched position.
public struct Audit: AsyncSequence, Sendable {
    let store: any EventStore
    let query: AuditQuery

    /// Returns an iterator that starts with the first page.
    public func makeAsyncIterator() -> Iterator {
        let request = ReadRequest(
            query.events, after: query.after, before: query.before, direction: query.direction,
            limit: store.limits.pageEvents)
        return Iterator(pages: store.pages(request).makeAsyncIterator(), query: query)
    }

    /// The iterator, which reads the pages in order.
    public struct Iterator: AsyncIteratorProtocol {
        var pages: EventPages.AsyncIterator
        let query: AuditQuery

        /// Returns the next page with its matching events, or `nil` after the last.
        public mutating func next() async throws -> EventBatch? {
            guard let page = try await pages.next() else { return nil }
            let events = page.events.filter { query.matches($0.metadata) }
            return EventBatch(events: events, mark: page.mark, isEnd: page.isEnd, head: page.head)
        }
    }
}
