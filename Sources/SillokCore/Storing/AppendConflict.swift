/// The condition of an append did not hold. Nothing was stored: load again, decide again, or give up.
///
/// It carries what invalidated the decision, so that the caller can explain the conflict or find that it does not
/// matter.
public struct AppendConflict: Error, Hashable, CustomStringConvertible {
    /// The streams whose revision was not the expected one.
    public let streams: [StreamID: RevisionMismatch]

    /// The events that broke the condition, in order: the first ``Limits/conflictEvents`` of them.
    public let events: [RecordedEvent]

    /// The last position of the store when the condition was checked.
    public let head: Position

    /// An expected revision, and the one that was found.
    public struct RevisionMismatch: Hashable, Sendable {
        /// What the condition asked for.
        public let expected: Revision
        /// What the stream had.
        public let actual: Revision

        /// Both revisions.
        public init(expected: Revision, actual: Revision) {
            self.expected = expected
            self.actual = actual
        }
    }

    /// A conflict with all of its parts.
    public init(streams: [StreamID: RevisionMismatch], events: [RecordedEvent], head: Position) {
        self.streams = streams
        self.events = events
        self.head = head
    }

    /// What happened and what to do, in a few lines.
    public var description: String {
        let revisions = streams.sorted { $0.key < $1.key }.map {
            "stream \($0.key) is at revision \($0.value.actual), not \($0.value.expected)"
        }
        let causes = events.prefix(3).map { "\($0.type) at position \($0.position)" }
        let rest = events.count > 3 ? " and \(events.count - 3) more" : ""
        let changed = causes.isEmpty ? [] : ["recorded meanwhile: \(causes.joined(separator: ", "))\(rest)"]
        return "the append was refused, nothing is stored: "
            + (revisions + changed).joined(separator: "; ") + ". Load again and decide again."
    }
}

/// An event id that the store already has, in an append that is not the one that brought it. Nothing was stored.
public struct EventIDConflict: Error, Hashable, CustomStringConvertible {
    /// In what way the append differs.
    public enum Reason: Hashable, Sendable {
        /// The event of this id has other contents, another stream or other tracking.
        case otherContents
        /// Some ids of the append are known and others are not.
        case partlyKnown
        /// All events are known, but were not recorded together in this order.
        case otherAppend
    }

    /// The id.
    public let id: EventID

    /// In what way the append differs.
    public let reason: Reason

    /// A conflict about an id.
    public init(id: EventID, reason: Reason) {
        self.id = id
        self.reason = reason
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        let what =
            switch reason {
            case .otherContents: "is already recorded with other contents"
            case .partlyKnown: "is already recorded, while other events of the append are not"
            case .otherAppend: "is already recorded, in another append"
            }
        return "the event \(id) \(what); nothing is stored. Give new events new ids."
    }
}

/// A tracked position that does not rise. Nothing was stored: the foreign event has already been consumed.
public struct TrackingConflict: Error, Hashable, CustomStringConvertible {
    /// What the append carried.
    public let given: Tracking

    /// What the store has for this source.
    public let recorded: UInt64

    /// A conflict about the progress of a source.
    public init(given: Tracking, recorded: UInt64) {
        self.given = given
        self.recorded = recorded
    }

    /// What happened and what to do, in a sentence.
    public var description: String {
        "source \(given.source) is tracked up to \(recorded), so \(given.position) is not new; nothing is stored. "
            + "Read the tracked position and go on after it."
    }
}
