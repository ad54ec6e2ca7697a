/// What must hold at the moment of an append; if it does not, nothing is stored and an ``AppendConflict`` says why.
///
/// One primitive for classic streams and for dynamic consistency boundaries: expected revisions of streams, queries
/// that nothing new may match, or both together. Checked and applied as one step against all other appends.
public struct AppendCondition: Hashable, Sendable {
    /// A query, and the place up to which the caller has seen it.
    public struct Unchanged: Hashable, Sendable {
        /// The events that the decision depends on.
        public var query: EventQuery

        /// Events up to here were seen; a matching event after it is a conflict. If the log has another event here,
        /// or ends
        /// before, the append fails with ``StoreError/Code/storeChanged``: the decision rests on another history.
        public var seen: EventMark

        /// The position of ``seen``.
        public var since: Position { seen.position }

        /// A query as seen up to a mark, such as ``EventBatch/mark``.
        public init(_ query: EventQuery, seen: EventMark) {
            self.query = query
            self.seen = seen
        }

        /// A query as seen up to a position, which is compared with the head only.
        public init(_ query: EventQuery, since: Position) {
            self.init(query, seen: EventMark(position: since, id: nil))
        }
    }

    /// The exact revision that each of these streams must have; ``Revision/none`` for a stream that must not exist.
    public var revisions: [StreamID: Revision]

    /// The queries that must match nothing new.
    public var unchanged: [Unchanged]

    /// A condition of both kinds.
    public init(revisions: [StreamID: Revision] = [:], unchanged: [Unchanged] = []) {
        self.revisions = revisions
        self.unchanged = unchanged
    }

    /// No condition.
    public static let always = AppendCondition()

    /// A stream has exactly this revision: `.revision(4, of: "account-42")`, 0 if it must not exist.
    public static func revision(_ revision: Revision, of stream: StreamID) -> AppendCondition {
        AppendCondition(revisions: [stream: revision])
    }

    /// Several streams have exactly these revisions.
    public static func revisions(_ revisions: [StreamID: Revision]) -> AppendCondition {
        AppendCondition(revisions: revisions)
    }

    /// No event after `position` matches the query: the decision that was made on it still stands.
    public static func unchanged(_ query: EventQuery, since position: Position) -> AppendCondition {
        AppendCondition(unchanged: [Unchanged(query, since: position)])
    }

    /// No event after a mark matches the query, and the log is still the one that the mark belongs to.
    public static func unchanged(_ query: EventQuery, seen mark: EventMark) -> AppendCondition {
        AppendCondition(unchanged: [Unchanged(query, seen: mark)])
    }

    /// No event at all matches the query: for what must be unique.
    public static func absent(_ query: EventQuery) -> AppendCondition { .unchanged(query, since: .start) }

    /// Both conditions. Where both expect a revision of the same stream, the other one's counts.
    public func and(_ other: AppendCondition) -> AppendCondition {
        AppendCondition(
            revisions: revisions.merging(other.revisions) { $1 }, unchanged: unchanged + other.unchanged)
    }
}
