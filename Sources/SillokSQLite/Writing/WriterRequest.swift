import SillokCore
import SillokSQLiteModels
import SillokStorage

/// A request to the thread that writes. All waiting requests are executed in one transaction.
enum WriterRequest: Sendable {
    /// Records events.
    case append(PreparedAppend)
    /// Uses the read model in the store's file.
    case model(ModelRequest)

    /// The request's share of a group: its number of events or its KiB, whichever is more.
    var weight: Int {
        switch self {
        case .append(let prepared): prepared.weight
        case .model(let request): request.weight
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
    /// The read model was used. `isDone` says whether the log has no more events for a rule that is being attached.
    case modelled(isDone: Bool)
}
