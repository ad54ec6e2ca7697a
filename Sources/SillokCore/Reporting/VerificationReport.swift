/// The result of the verification of a store, from the first event to the last.
public struct VerificationReport: Hashable, Sendable {
    /// One inconsistency that the check found.
    public struct Finding: Hashable, Sendable, CustomStringConvertible {
        /// The position of the affected event; `nil` if the finding concerns the whole store.
        public let position: Position?

        /// What is wrong, in a sentence.
        public let message: String

        /// Creates a finding, about an event or about the whole store.
        public init(position: Position? = nil, _ message: String) {
            self.position = position
            self.message = message
        }

        /// The position, if there is one, and what is wrong.
        public var description: String { position.map { "position \($0): \(message)" } ?? message }
    }

    /// The number of events that were checked.
    public let events: UInt64

    /// The number of streams of the checked events.
    public let streams: UInt64

    /// The first hundred findings; empty in a sound store.
    public let findings: [Finding]

    /// Whether the check found nothing wrong.
    public var isSound: Bool { findings.isEmpty }

    /// Creates a report about a check.
    public init(events: UInt64, streams: UInt64, findings: [Finding]) {
        self.events = events
        self.streams = streams
        self.findings = findings
    }
}

/// The progress of a long operation.
public struct WorkProgress: Hashable, Sendable {
    /// The current step, such as `events`.
    public let step: String

    /// The amount of work that is done, in the unit of ``total``.
    public let done: UInt64

    /// The total amount of work. The step defines the unit, such as events or positions.
    public let total: UInt64

    /// Creates the progress of a step.
    public init(step: String, done: UInt64, total: UInt64) {
        self.step = step
        self.done = done
        self.total = total
    }
}
