/// What a store found when it checked itself from the first event to the last.
public struct VerificationReport: Hashable, Sendable {
    /// Something that is not as it must be.
    public struct Finding: Hashable, Sendable, CustomStringConvertible {
        /// The event that is concerned, if it is one.
        public let position: Position?

        /// What is wrong, in a sentence.
        public let message: String

        /// A finding.
        public init(position: Position? = nil, _ message: String) {
            self.position = position
            self.message = message
        }

        /// The place and what is wrong.
        public var description: String { position.map { "position \($0): \(message)" } ?? message }
    }

    /// How many events were checked.
    public let events: UInt64

    /// How many streams they belong to.
    public let streams: UInt64

    /// What is wrong, the first hundred findings; empty in a sound store.
    public let findings: [Finding]

    /// Whether everything is as it must be.
    public var isSound: Bool { findings.isEmpty }

    /// A report on the events and streams that were checked.
    public init(events: UInt64, streams: UInt64, findings: [Finding]) {
        self.events = events
        self.streams = streams
        self.findings = findings
    }
}

/// How far a long piece of work has come.
public struct WorkProgress: Hashable, Sendable {
    /// What is being done, such as `events`.
    public let step: String

    /// How much of it is done.
    public let done: UInt64

    /// How much there is.
    public let total: UInt64

    /// Progress in a step.
    public init(step: String, done: UInt64, total: UInt64) {
        self.step = step
        self.done = done
        self.total = total
    }
}
