#if Postgres
import SillokChain
import SillokCore
import SillokIndex

/// An append that waits for the writer, with the digests of its events, which were computed in the caller's task.
struct PreparedAppend: Sendable {
    let request: AppendRequest
    let facts: [ChainDigest]
    /// The memory that the append holds while it waits.
    let retainedBytes: Int
    /// When the caller requested it.
    let asked: ContinuousClock.Instant
    /// The queries of its condition, and the position through which they are known to match nothing.
    var condition: JudgedCondition
    /// The event up to which the condition was judged before the append waits for the writer.
    var mark: EventMark?

    init(_ request: AppendRequest, asked: ContinuousClock.Instant = .now) {
        self.request = request
        self.asked = asked
        facts = request.factDigests
        retainedBytes = request.retainedBytes + facts.count * 32
        condition = JudgedCondition(request.condition)
    }

    /// If the log has grown by more than this since a condition's position, a judge searches it before the lock.
    private static let distance: Int64 = 1000

    /// Returns whether its condition may take long: it compares lists of the index over a large part of the log.
    func isExpensive(head: Position) -> Bool {
        let head = Int64(clamping: head.value)
        return condition.parts.contains { $0.item.lists > 1 && head - $0.since > Self.distance }
    }

    /// Reduces the condition to the part that the event at a position breaks.
    mutating func narrow(to part: JudgedCondition.Part, before position: Position) {
        condition = JudgedCondition(.unchanged(EventQuery([part.item]), since: position.previous))
        mark = nil
    }

    /// The weight of its condition in a group; the condition of a usual append has no weight.
    var conditionWeight: Int { lookups / 8 }

    /// The minimum number of index lookups that judge the condition.
    var lookups: Int { condition.parts.reduce(condition.revisions.count) { $0 + $1.item.lists } }
}
#endif
