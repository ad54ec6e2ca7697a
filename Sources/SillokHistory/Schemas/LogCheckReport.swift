public import SillokCore

/// A state of a stream, computed by the running code. A ``LogCheck`` compares the state of newer code with it.
public struct KeptState: Codable, Hashable, Sendable {
    /// The stream.
    public let stream: StreamID
    /// The revision up to which the state was computed.
    public let revision: UInt64
    /// The state, as JSON.
    public let state: String

    /// Creates a state of a stream.
    public init(stream: StreamID, revision: UInt64, state: String) {
        self.stream = stream
        self.revision = revision
        self.state = state
    }
}

/// The result of the check of a log by new code.
public struct LogCheckReport: Sendable {
    /// The events of one type and version.
    public struct Kind: Hashable, Sendable {
        /// The type, as stored.
        public let type: EventType
        /// The version, as stored; 0 if the stored value is not a version.
        public let version: Int
        /// The number of these events.
        public internal(set) var count = 0
        /// The number of these events that the code cannot read.
        public internal(set) var failures = 0
        /// The position of the first event that the code cannot read; `nil` if it reads all of them.
        public internal(set) var firstFailure: Position?
        /// Why the code cannot read the first of them.
        public internal(set) var reason: String?
    }

    /// A state that the new code computes differently.
    public struct Difference: Hashable, Sendable {
        /// The stream.
        public let stream: StreamID
        /// The revision up to which the state was computed.
        public let revision: Revision
        /// The differences: a path in the state, its old value and its new value.
        public let message: String
    }

    /// All types and versions of the log, by name.
    public internal(set) var kinds: [Kind] = []
    /// The number of states that were compared.
    public internal(set) var states = 0
    /// The states that differ.
    public internal(set) var differences: [Difference] = []

    /// Whether the code can read all events and computes the same states as before.
    public var isCompatible: Bool { differences.isEmpty && kinds.allSatisfy { $0.failures == 0 } }
}
