package import SillokChain
public import SillokCore
package import SillokIndex

/// An append that waits for the writer, with the parts that were prepared in the caller's task.
///
/// A class, because it is passed on often, and each copy of the value would count fifteen references.
@usableFromInline
package final class PreparedAppend: Sendable {
    @usableFromInline package let request: AppendRequest
    /// The condition of the append, and how far it is known to hold.
    package let condition: JudgedCondition
    /// How often it was judged outside the writer. Each time, the writer may use twice the steps for later events.
    package let rounds: Int
    /// The digest of each entry; none if no chain is kept.
    package let facts: [ChainDigest]
    /// The memory that the append holds while it waits.
    @usableFromInline package let retainedBytes: Int

    package convenience init(_ request: AppendRequest, isChained: Bool) {
        let runs = request.runs
        self.init(request, runs, facts: isChained ? request.factDigests(runs) : [])
    }

    /// Takes the runs of a request and its digests, which were made before.
    package init(_ request: AppendRequest, _ runs: [Int], facts: [ChainDigest]) {
        self.request = request
        condition = JudgedCondition(request.condition)
        rounds = 0
        self.facts = facts
        retainedBytes = request.retainedBytes(runs) + facts.count * 32
    }

    /// The same append after one more judgement outside the writer.
    ///
    /// - Parameter head: the position through which the condition holds; `nil` if that is not known.
    package init(_ prepared: PreparedAppend, heldThrough head: Position?) {
        var condition = prepared.condition
        if let head { condition.heldThrough = Int64(clamping: head.value) }
        (request, self.condition, rounds) = (prepared.request, condition, prepared.rounds + 1)
        (facts, retainedBytes) = (prepared.facts, prepared.retainedBytes)
    }

    /// The maximum number of times that an append goes to the writer while the latest events still have to be judged.
    @usableFromInline package static let attempts = 8

    /// The append's share of a group: its number of events or its KiB, whichever is more.
    @usableFromInline package var weight: Int { max(request.entries.count, retainedBytes / 1024) }

    /// The ids of the events that the append may have recorded.
    package var events: [EventID] { request.entries.map(\.event.id) }

    /// Returns the append for its next attempt, after its condition was judged on a snapshot outside the writer.
    ///
    /// - Parameter judged: the verdict, and the head of the snapshot; `nil` if the writer has the answer.
    /// - Throws: the conflict, or `StoreError` `tooExpensive`.
    package func judged(
        _ judged: (verdict: ConditionJudge.Verdict, head: Position)?, limits: Limits
    ) throws -> PreparedAppend {
        guard let judged else { return PreparedAppend(self, heldThrough: nil) }
        switch judged.verdict {
        case .holds: return PreparedAppend(self, heldThrough: judged.head)
        case .conflict(let conflict): throw conflict
        case .undecided(let part):
            throw StoreError.tooExpensive(condition, part, limits: limits, head: judged.head)
        }
    }
}
