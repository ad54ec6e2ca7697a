import SillokCore
import SillokSQL
import SillokStorage

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
        case .append(let prepared): prepared.weight
        case .install: 1
        case .change(let write): 1 + write.changes.count
        case .attach: 1000
        }
    }

    /// Whether the request is an append.
    var isAppend: Bool { if case .append = self { true } else { false } }

    /// The events that the request may have recorded.
    var events: [EventID] { if case .append(let prepared) = self { prepared.events } else { [] } }
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
