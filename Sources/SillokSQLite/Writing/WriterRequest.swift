import SillokCore
import SillokSQLiteModels
import SillokStorage

/// A request to the thread that writes. All waiting requests are executed in one transaction.
enum WriterRequest: StoreWork {
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

    /// The append, if the request is one.
    var append: PreparedAppend? { if case .append(let prepared) = self { prepared } else { nil } }

    /// The events that the request may have recorded.
    var events: [EventID] { if case .append(let prepared) = self { prepared.events } else { [] } }
}
