#if Postgres
import SillokCore
import SillokSQL

/// What the thread that appends is asked for.
enum WriterRequest: Sendable {
    /// Records events; all appends that wait are one group.
    case append(PreparedAppend)
    /// Projects a part of the log for a rule that is to take part in appends.
    case attach(InlineAttachment)

    /// Its share of a group: its events or its KiB, whichever are more, and its condition.
    var weight: Int {
        switch self {
        case .append(let prepared):
            max(prepared.request.entries.count, prepared.retainedBytes / 1024) + prepared.conditionWeight
        case .attach: 1000
        }
    }
}

/// What came of a request.
enum WriterAnswer: Sendable {
    /// The server has judged an append, and recorded its events if it accepted it.
    case judged(Verdict)
    /// A part is projected; whether the rule takes part now, or there is more of the log.
    case projected(isAttached: Bool)
}
#endif
