import SillokChain
import SillokCore
import SillokSQL

/// An append as it waits for the writer: with what can be prepared in the task of the caller.
struct PreparedAppend: Sendable {
    let request: AppendRequest
    /// Its condition, and how far it is known to hold.
    var condition: JudgedCondition
    /// How often it was judged outside the writer. Each time, the writer may take twice the steps for what came after.
    var rounds = 0
    /// Of each entry; none if no chain is kept.
    let facts: [ChainDigest]
    /// The memory that it holds while it waits.
    let retainedBytes: Int

    init(_ request: AppendRequest, isChained: Bool) {
        self.request = request
        condition = JudgedCondition(request.condition)
        facts = isChained ? request.factDigests : []
        retainedBytes = request.retainedBytes + facts.count * 32
    }
}

/// What the thread that writes is asked for. Whatever waits is carried out in one transaction.
enum WriterRequest: Sendable {
    /// Records events.
    case append(PreparedAppend)
    /// Makes the tables of the read model in the store's file, where they are missing.
    case install
    /// Changes rows of the read model.
    case change(ReadModelWrite)
    /// Projects a page for a rule that is to take part in appends.
    case attach(InlineRule)

    /// Its share of a group: its events or its KiB, whichever are more.
    var weight: Int {
        switch self {
        case .append(let prepared): max(prepared.request.entries.count, prepared.retainedBytes / 1024)
        case .install: 1
        case .change(let write): 1 + write.changes.count
        case .attach: 1000
        }
    }

    /// Whether it is an append.
    var isAppend: Bool { if case .append = self { true } else { false } }

    /// The events that it may have recorded.
    var events: [EventID] {
        if case .append(let prepared) = self { prepared.request.entries.map(\.event.id) } else { [] }
    }
}

/// What came of a request.
enum WriterAnswer: Sendable {
    /// The events are recorded, or were before.
    case appended(Receipt, head: Position)
    /// Judging the condition takes longer than the writer may take: a reader has to do it.
    case undecided
    /// It is done.
    case done
    /// A page is projected; whether the rule takes part now, or there is more of the log.
    case projected(isAttached: Bool)
}
