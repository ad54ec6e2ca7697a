/// A condition that must hold at the moment of an append. If it does not, the store stores nothing and throws an
/// ``AppendConflict`` with the reason.
///
/// Conditions serve both classic streams and dynamic consistency boundaries: expected revisions of streams, queries
/// that must match no new event, or both. The store checks the condition and appends in one atomic step.
public struct AppendCondition: Hashable, Sendable {
    /// A query and the mark up to which the caller has seen its events.
    public struct Unchanged: Hashable, Sendable {
        /// The events that the decision depends on.
        public var query: EventQuery

        /// The mark up to which the caller has seen events; a matching event after it is a conflict. If the log has
        /// another event at the mark, or ends before it, the append fails with ``StoreError/Code/storeChanged``: the
        /// decision used another history.
        public var seen: EventMark

        /// The position of ``seen``.
        public var since: Position { seen.position }

        /// Creates the condition for a query that was read up to a mark, such as ``EventBatch/mark``.
        public init(_ query: EventQuery, seen: EventMark) {
            self.query = query
            self.seen = seen
        }

        /// Creates the condition for a query that was read up to a position. The store only checks that the position is
        /// not beyond the head.
        public init(_ query: EventQuery, since: Position) {
            self.init(query, seen: EventMark(position: since, id: nil))
        }
    }

    /// The exact revision that each of these streams must have; `Revision.none` for a stream that must not exist.
    public var revisions: [StreamID: Revision]

    /// The queries that must match no new event.
    public var unchanged: [Unchanged]

    /// Creates a condition from expected revisions, queries, or both.
    public init(revisions: [StreamID: Revision] = [:], unchanged: [Unchanged] = []) {
        self.revisions = revisions
        self.unchanged = unchanged
    }

    /// The condition that always holds.
    public static let always = AppendCondition()

    /// Returns the condition that a stream has exactly this revision, 0 if it must not exist:
    /// `.revision(4, of: "a-1")`.
    public static func revision(_ revision: Revision, of stream: StreamID) -> AppendCondition {
        AppendCondition(revisions: [stream: revision])
    }

    /// Returns the condition that several streams have exactly these revisions.
    public static func revisions(_ revisions: [StreamID: Revision]) -> AppendCondition {
        AppendCondition(revisions: revisions)
    }

    /// Returns the condition that no event after `position` matches the query, so that the decision is still valid.
    public static func unchanged(_ query: EventQuery, since position: Position) -> AppendCondition {
        AppendCondition(unchanged: [Unchanged(query, since: position)])
    }

    /// Returns the condition that no event after a mark matches the query, and that the log still has the mark's event.
    public static func unchanged(_ query: EventQuery, seen mark: EventMark) -> AppendCondition {
        AppendCondition(unchanged: [Unchanged(query, seen: mark)])
    }

    /// Returns the condition that no event at all matches the query. Use it for something that must be unique.
    public static func absent(_ query: EventQuery) -> AppendCondition { .unchanged(query, since: .start) }

    /// Returns the condition that both hold. If both expect a revision of the same stream, the one of `other` is used.
    public func and(_ other: AppendCondition) -> AppendCondition {
        AppendCondition(
            revisions: revisions.merging(other.revisions) { $1 }, unchanged: unchanged + other.unchanged)
    }
}
