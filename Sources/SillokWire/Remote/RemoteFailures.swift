package import SillokCore

extension Remote {
    /// A failure of a store in the form that an answer contains.
    package struct Failure: ProtobufMessage {
        package static let unread = Failure()

        private var invalid: Invalid?
        private var conflict: Conflict?
        private var eventID: EventIDConflict?
        private var tracking: TrackingConflict?
        private var store: StoreFailure?

        private init() {}

        package init(_ error: AppendError) {
            switch error {
            case .invalid(let error): invalid = Invalid(error)
            case .conflict(let error): conflict = Conflict(error)
            case .knownID(let error): eventID = error
            case .tracking(let error): tracking = error
            case .refused(let refusal): store = StoreFailure(StoreError(.refused, "\(refusal)"))
            case .failed(let error): store = StoreFailure(error)
            }
        }

        package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "invalid", &invalid)
            try coder.field(2, "conflict", &conflict)
            try coder.field(3, "event_id", &eventID)
            try coder.field(4, "tracking", &tracking)
            try coder.field(5, "store", &store)
        }

        /// Returns the error that the store threw. Those of reads are `invalid` or `failed`.
        package func error() throws(ProtobufError) -> AppendError {
            if let invalid { return .invalid(try invalid.error()) }
            if let conflict { return .conflict(conflict.error) }
            if let eventID { return .knownID(eventID) }
            if let tracking { return .tracking(tracking) }
            guard let store else { throw .incomplete }
            return .failed(store.error)
        }
    }

    struct Conflict: ProtobufMessage {
        static let name = "AppendConflict"
        static let unread = Conflict(AppendConflict(streams: [:], events: [], head: .start))

        private var streams: [StreamMismatch]
        private var events: [RecordedEvent]
        private var head: Position

        init(_ conflict: AppendConflict) {
            streams = conflict.streams.map { StreamMismatch(stream: $0, expected: $1.expected, actual: $1.actual) }
            (events, head) = (conflict.events, conflict.head)
        }

        mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "streams", &streams)
            try coder.field(2, "events", &events)
            try coder.field(3, "head", &head)
        }

        var error: AppendConflict {
            let mismatches = streams.map {
                ($0.stream, AppendConflict.RevisionMismatch(expected: $0.expected, actual: $0.actual))
            }
            return AppendConflict(
                streams: Dictionary(mismatches) { $1 }, events: events, head: head)
        }
    }

    struct StreamMismatch: ProtobufMessage {
        static let unread = StreamMismatch()

        var stream = StreamID.unread
        var expected = Revision.none
        var actual = Revision.none

        mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "stream", &stream)
            try coder.field(2, "expected", &expected)
            try coder.field(3, "actual", &actual)
        }
    }

    struct StoreFailure: ProtobufMessage {
        static let unread = StoreFailure(StoreError(.ioFailure, ""))

        private var code: String
        private var message: String
        private var isOutcomeUnknown: Bool
        private var retryMilliseconds: UInt64?

        init(_ error: StoreError) {
            (code, message) = (error.code.rawValue, error.message)
            isOutcomeUnknown = error.outcome == .unknown
            retryMilliseconds = error.retryAfter.map { UInt64(clamping: $0.wholeMilliseconds) }
        }

        mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "code", &code)
            try coder.field(2, "message", &message)
            try coder.field(3, "outcome_unknown", &isOutcomeUnknown)
            try coder.field(4, "retry_after_ms", &retryMilliseconds)
        }

        /// The failure. A server of a newer version can send a code that this version does not know.
        var error: StoreError {
            let known = StoreError.Code(rawValue: code)
            return StoreError(
                known ?? .ioFailure, known == nil ? "the server's store failed (\(code)): \(message)" : message,
                outcome: isOutcomeUnknown ? .unknown : .definite,
                retryAfter: retryMilliseconds.map { .milliseconds(Int64(clamping: $0)) })
        }
    }
}

extension EventIDConflict: ProtobufMessage {
    package static let unread = EventIDConflict(id: .unread, reason: .unread)

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        var (id, reason) = (self.id, self.reason)
        try coder.field(1, "id", &id)
        try coder.field(2, "reason", &reason)
        self = EventIDConflict(id: id, reason: reason)
    }
}

extension EventIDConflict.Reason: ProtobufValue {
    package static let declaration = String.declaration
    package static let unread = EventIDConflict.Reason.otherContents
    package static let isRequired = true

    package mutating func read(_ reader: inout ProtobufReader) throws(ProtobufError) {
        switch try reader.text() {
        case "other-contents": self = .otherContents
        case "partly-known": self = .partlyKnown
        case "other-append": self = .otherAppend
        default: throw .incomplete
        }
    }

    package func write(_ field: UInt32, _ writer: inout ProtobufWriter) {
        let name =
            switch self {
            case .otherContents: "other-contents"
            case .partlyKnown: "partly-known"
            case .otherAppend: "other-append"
            }
        writer.text(field, name)
    }
}

extension TrackingConflict: ProtobufMessage {
    package static let unread = TrackingConflict(given: .unread, recorded: 0)

    package mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
        var (given, recorded) = (self.given, self.recorded)
        try coder.field(1, "given", &given)
        try coder.field(2, "recorded", &recorded)
        self = TrackingConflict(given: given, recorded: recorded)
    }
}
