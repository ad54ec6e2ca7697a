public import SillokCore

/// The state of a stream as some code made it: what newer code is compared with.
public struct KeptState: Codable, Hashable, Sendable {
    /// The stream.
    public let stream: StreamID
    /// Up to which of its events, by revision.
    public let revision: UInt64
    /// The state, as JSON.
    public let state: String

    /// A state of a stream.
    public init(stream: StreamID, revision: UInt64, state: String) {
        self.stream = stream
        self.revision = revision
        self.state = state
    }
}

/// What a check of a log by new code found.
public struct LogCheckReport: Sendable {
    /// The events of one type and version.
    public struct Kind: Hashable, Sendable {
        /// The type, as stored.
        public let type: EventType
        /// The version, as stored.
        public let version: Int
        /// How many there are.
        public internal(set) var count = 0
        /// How many of them the code cannot read.
        public internal(set) var failures = 0
        /// Where the first of those is.
        public internal(set) var firstFailure: Position?
        /// Why it cannot be read.
        public internal(set) var reason: String?
    }

    /// A state that the code makes otherwise.
    public struct Difference: Hashable, Sendable {
        /// The stream.
        public let stream: StreamID
        /// Up to which of its events, by revision.
        public let revision: Revision
        /// The differences: a path in the state, its old value and its new value.
        public let message: String
    }

    /// All types and versions of the log, by name.
    public internal(set) var kinds: [Kind] = []
    /// How many streams were folded and compared.
    public internal(set) var states = 0
    /// The states that differ.
    public internal(set) var differences: [Difference] = []

    /// Whether the code reads all events and makes the states that were kept.
    public var isCompatible: Bool { differences.isEmpty && kinds.allSatisfy { $0.failures == 0 } }
}
