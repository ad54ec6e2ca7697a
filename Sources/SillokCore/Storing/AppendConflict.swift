/// The condition of an append did not hold. Nothing was stored: load again, decide again, or give up.
///
/// The conflict contains the streams and the events that broke the condition. The caller can show them, or decide that
/// they do not matter.
public struct AppendConflict: Error, Hashable, CustomStringConvertible {
    /// The streams whose revision was not the expected one.
    public let streams: [StreamID: RevisionMismatch]

    /// The events that broke the condition, in the order of the log: at most the first ``Limits/conflictEvents``. Empty
    /// if a server does not allow the caller to read them.
    public let events: [RecordedEvent]

    /// The last position of the store when the condition was checked.
    public let head: Position

    /// An expected revision and the actual one.
    public struct RevisionMismatch: Hashable, Sendable {
        /// The revision that the condition expected.
        public let expected: Revision
        /// The revision of the stream.
        public let actual: Revision

        /// Creates a mismatch of two revisions.
        public init(expected: Revision, actual: Revision) {
            self.expected = expected
            self.actual = actual
        }
    }

    /// Creates a conflict that shows these streams and events.
    public init(streams: [StreamID: RevisionMismatch], events: [RecordedEvent], head: Position) {
        self.streams = streams
        self.events = events
        self.head = head
    }

    /// What happened and what to do next, in a few lines.
    public var description: String {
        let revisions = streams.sorted { $0.key < $1.key }.map {
            "stream \($0.key) is at revision \($0.value.actual), expected \($0.value.expected)"
        }
        let causes = events.prefix(3).map { "\($0.type) at position \($0.position)" }
        let rest = events.count > 3 ? " and \(events.count - 3) more" : ""
        let what = revisions.isEmpty ? "events that match its condition were recorded" : "recorded since then"
        let changed = causes.isEmpty ? [] : ["\(what): \(causes.joined(separator: ", "))\(rest)"]
        let reasons = revisions + changed
        return "The append was rejected: " + (reasons.isEmpty ? [what] : reasons).joined(separator: "; ")
            + ". Nothing was stored. Load the events and decide again."
    }
}

/// An append has an event id that the store already has from a different append. Nothing was stored.
public struct EventIDConflict: Error, Hashable, CustomStringConvertible {
    /// How the append differs from the recorded one.
    public enum Reason: Hashable, Sendable {
        /// The event with this id has other contents, another stream or other tracking.
        case otherContents
        /// Some ids of the append are in the store and others are not.
        case partlyKnown
        /// All events are in the store, but were not recorded together in this order.
        case otherAppend
    }

    /// The id that the store already has.
    public let id: EventID

    /// How the append differs from the recorded one.
    public let reason: Reason

    /// Creates a conflict about an id.
    public init(id: EventID, reason: Reason) {
        self.id = id
        self.reason = reason
    }

    /// What happened and what to do next, in a sentence.
    public var description: String {
        let what =
            switch reason {
            case .otherContents: "is already recorded with other contents"
            case .partlyKnown: "is already recorded, while other events of the append are not"
            case .otherAppend: "is already recorded, in another append"
            }
        return "The append was rejected: event \(id) \(what). Nothing was stored. Give new events new ids."
    }
}

/// The tracked position of an append is not above the recorded one. Nothing was stored: the source was already consumed
/// up to or beyond this position.
public struct TrackingConflict: Error, Hashable, CustomStringConvertible {
    /// The tracking of the append.
    public let given: Tracking

    /// The position that the store has for this source.
    public let recorded: UInt64

    /// Creates a conflict about the progress of a source.
    public init(given: Tracking, recorded: UInt64) {
        self.given = given
        self.recorded = recorded
    }

    /// What happened and what to do next, in a sentence.
    public var description: String {
        "The append was rejected: source \(given.source) is tracked up to position \(recorded), so position "
            + "\(given.position) is not new. Nothing was stored. "
            + "Read the tracked position and continue after it."
    }
}
