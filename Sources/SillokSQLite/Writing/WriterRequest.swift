import SillokChain
import SillokCore
import SillokIndex
import SillokSQL

/// An append that waits for the writer, with the parts that were prepared in the caller's task.
///
/// A class, because it is passed on often, and each copy of the value would count fifteen references.
final class PreparedAppend: Sendable {
    let request: AppendRequest
    /// The condition of the append, and how far it is known to hold.
    let condition: JudgedCondition
    /// How often it was judged outside the writer. Each time, the writer may use twice the steps for later events.
    let rounds: Int
    /// The digest of each entry; none if no chain is kept.
    let facts: [ChainDigest]
    /// The memory that the append holds while it waits.
    let retainedBytes: Int

    init(_ request: AppendRequest, isChained: Bool) {
        self.request = request
        condition = JudgedCondition(request.condition)
        rounds = 0
        facts = isChained ? request.factDigests : []
        retainedBytes = request.retainedBytes + facts.count * 32
    }

    /// The same append after one more judgement outside the writer.
    ///
    /// - Parameter head: the position through which the condition holds; `nil` if that is not known.
    init(_ prepared: PreparedAppend, heldThrough head: Position?) {
        var condition = prepared.condition
        if let head { condition.heldThrough = Int64(clamping: head.value) }
        (request, self.condition, rounds) = (prepared.request, condition, prepared.rounds + 1)
        (facts, retainedBytes) = (prepared.facts, prepared.retainedBytes)
    }
}

/// A request to the thread that writes. All waiting requests are executed in one transaction.
enum WriterRequest: Sendable {
    /// Records events.
    case append(PreparedAppend)
    /// Creates the missing tables of the read model in the store's file.
    case install
    /// Changes rows of the read model.
    case change(ReadModelWrite)
    /// Projects a page for a rule that is being attached to appends.
    case attach(InlineRule)

    /// The request's share of a group: its number of events or its KiB, whichever is more.
    var weight: Int {
        switch self {
        case .append(let prepared): max(prepared.request.entries.count, prepared.retainedBytes / 1024)
        case .install: 1
        case .change(let write): 1 + write.changes.count
        case .attach: 1000
        }
    }

    /// Whether the request is an append.
    var isAppend: Bool { if case .append = self { true } else { false } }

    /// The events that the request may have recorded.
    var events: [EventID] {
        if case .append(let prepared) = self { prepared.request.entries.map(\.event.id) } else { [] }
    }
}

/// The result of a request.
enum WriterAnswer: Sendable {
    /// The events are recorded, now or by an earlier append.
    case appended(Receipt, head: Position)
    /// Judging the condition takes longer than the writer may spend: a reader must do it.
    case undecided
    /// The request is done.
    case done
    /// A page is projected. `isAttached` says whether the rule is attached now or there is more of the log.
    case projected(isAttached: Bool)
}
