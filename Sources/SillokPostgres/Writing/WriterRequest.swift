#if Postgres
import SillokCore
import SillokSQL

/// A request to the thread that appends.
enum WriterRequest: Sendable {
    /// Records events; all waiting appends are one group.
    case append(PreparedAppend)
    /// Projects a part of the log for a rule that is being attached to appends.
    case attach(InlineAttachment)

    /// The request's share of a group: its number of events or its KiB, whichever is more, and its condition.
    var weight: Int {
        switch self {
        case .append(let prepared):
            max(prepared.request.entries.count, prepared.retainedBytes / 1024) + prepared.conditionWeight
        case .attach: 1000
        }
    }
}

/// The result of a request.
enum WriterAnswer: Sendable {
    /// The server has judged an append, and recorded its events if it accepted it.
    case judged(Verdict)
    /// A part is projected. `isAttached` says whether the rule is attached now or there is more of the log.
    case projected(isAttached: Bool)
}
#endif
