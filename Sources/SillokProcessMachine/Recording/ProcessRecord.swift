package import Sillok
import SillokCore
package import SillokJSON

/// An event in the stream of an instance. All that a process knows and wants is recorded as these.
///
/// A step is named by the id of the event that recorded it. Inputs from the log are recorded as a reference, so that
/// their contents are stored and erased in one place.
package enum ProcessRecord: Codable, Hashable, Sendable {
    case started(generation: Int, version: Int)
    /// An event of the source was handled. The records up to the next input follow from it.
    case received(position: Position, event: EventID, stream: StreamID?)
    /// An event of the source came after the end. It has no effect.
    case ignored(position: Position, event: EventID)

    case requestPlanned(request: JSONFragment, undo: Undo?, undoes: EventID?)
    case requestAccepted(step: EventID)
    case requestRefused(step: EventID, reason: String)

    case effectPlanned(effect: JSONFragment, undo: Undo?, undoes: EventID?)
    /// The first call is about to be made.
    case effectStarted(step: EventID)
    case effectDone(step: EventID, result: String)
    case effectFailed(step: EventID, reason: String)
    case effectUnknown(step: EventID, reason: String)
    /// Without a step: there was none to cancel.
    case effectCancelled(effect: JSONFragment, step: EventID?)

    /// Due at `due`, or `after` microseconds after this event was recorded.
    case deadlineScheduled(deadline: JSONFragment, due: Timestamp?, after: Int64?, replaces: EventID?)
    /// Without a step: there was none to cancel.
    case deadlineCancelled(deadline: JSONFragment, step: EventID?)
    case deadlineFired(step: EventID)

    case compensationStarted(reason: String)
    /// All executed steps that have an undo are undone.
    case compensationEnded
    case completed(reason: String?)
    case parked(input: EventID?, reason: String)
    case released(reason: String)
    /// An operator decided that the event which parked the instance is not handled.
    case inputSkipped(event: EventID)

    /// An operator wants the runner to do something. The metadata has who and why.
    case actRequested(act: ProcessAct)
    /// The runner has executed an act, or refused it.
    case actEnded(act: EventID, refusal: String?)

    /// How records are stored.
    package static let coding = EventCoding<ProcessRecord>()

    package enum Undo: Codable, Hashable, Sendable {
        case request(JSONFragment)
        case effect(JSONFragment)
    }
}
