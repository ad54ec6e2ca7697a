#if Postgres
import SillokChain
import SillokCore

/// An append as it waits for the writer: with the digests of its facts, made in the task of the caller.
struct PreparedAppend: Sendable {
    let request: AppendRequest
    let facts: [ChainDigest]
    /// The memory that it holds while it waits.
    let retainedBytes: Int
    /// When the caller asked for it.
    let asked: ContinuousClock.Instant
    /// The queries of its condition, and the position up to which they are known to match nothing.
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

    /// A log that has grown by more than this since a condition's position is searched before the lock is taken.
    private static let distance: Int64 = 1000

    /// Whether its condition may take long: it compares lists of the index over a part of the log that is not short.
    func isExpensive(head: Position) -> Bool {
        let head = Int64(clamping: head.value)
        return condition.parts.contains { $0.item.lists > 1 && head - $0.since > Self.distance }
    }

    /// Leaves of the condition what the event at a position breaks.
    mutating func narrow(to part: JudgedCondition.Part, before position: Position) {
        condition = JudgedCondition(.unchanged(EventQuery([part.item]), since: position.previous))
        mark = nil
    }

    /// What its condition counts for in a group: the condition of a usual append counts nothing.
    var conditionWeight: Int { lookups / 8 }

    /// The number of index look-ups that judge the condition at best.
    var lookups: Int { condition.parts.reduce(condition.revisions.count) { $0 + $1.item.lists } }
}
#endif
