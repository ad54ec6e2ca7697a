import SillokCore
import SillokJSON

/// A request or an effect of an instance, and what has become of it.
package struct PlannedStep: Hashable, Sendable {
    package enum Kind: Hashable, Sendable, Codable {
        case request, effect
    }

    package enum Outcome: Hashable, Sendable, Codable {
        /// Recorded, and not executed yet.
        case open
        /// A first call of the effect was made, or is about to be.
        case started(Timestamp)
        /// The effect may have been executed.
        case unknown
        /// Executed: it can be undone.
        case executed
        /// Refused, failed or cancelled: there is nothing to undo.
        case without

        /// - Parameter time: `nil` until the record of the call is in the log.
        static func started(at time: Timestamp?) -> Outcome {
            .started(time ?? Timestamp(microsecondsSince1970: 0))
        }

        package var isSettled: Bool { self == .executed || self == .without }
    }

    package let id: EventID
    package let kind: Kind
    package let payload: JSONFragment
    package let undo: ProcessRecord.Undo?
    /// The step that this one takes back.
    package let undoes: EventID?
    package let generation: Int
    /// What the records that follow from the step say about their cause.
    package let metadata: Metadata
    package internal(set) var outcome = Outcome.open
}

/// An act of an operator that the runner has not executed.
struct RequestedAct: Hashable, Sendable {
    let act: ProcessAct
    let metadata: Metadata
}

/// A deadline that waits.
package struct WaitingDeadline: Hashable, Sendable {
    package let id: EventID
    package let deadline: JSONFragment
    /// `nil` until the record is in the log, if it counts from the time of the record.
    package let due: Timestamp?
    package let metadata: Metadata
}
