package import SillokCore

extension Remote {
    /// A failure of a store in the form that an answer contains.
    package struct Failure: ProtobufReadable {
        private var invalid: Invalid?
        private var conflict: Conflict?
        private var eventID: EventIDFailure?
        private var tracking: TrackingFailure?
        private var store: StoreFailure?

        package init() {}

        package mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, into: &invalid)
            case 2: try reader.message(field, into: &conflict)
            case 3: try reader.message(field, into: &eventID)
            case 4: try reader.message(field, into: &tracking)
            case 5: try reader.message(field, into: &store)
            default: try reader.skip(field)
            }
        }

        /// Returns the error that the store threw. Those of reads are `invalid` or `failed`.
        package func error() throws(ProtobufError) -> AppendError {
            if let invalid { return .invalid(try invalid.error()) }
            if let conflict { return .conflict(try conflict.error()) }
            if let eventID {
                guard let reason = EventIDConflict.Reason(name: eventID.reason) else { throw .incomplete }
                return .knownID(EventIDConflict(id: eventID.id, reason: reason))
            }
            if let tracking {
                return .tracking(TrackingConflict(given: tracking.given.tracking, recorded: tracking.recorded))
            }
            guard let store else { throw .incomplete }
            return .failed(store.error)
        }
    }

    private struct Conflict: ProtobufReadable {
        var streams: [Mismatch] = []
        var events: [Recorded] = []
        var head: UInt64 = 0

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: streams.append(try reader.message(field))
            case 2: events.append(try reader.message(field))
            case 3: head = try reader.number(field)
            default: try reader.skip(field)
            }
        }

        func error() throws(ProtobufError) -> AppendConflict {
            var mismatches: [StreamID: AppendConflict.RevisionMismatch] = [:]
            for stream in streams {
                mismatches[StreamID(stream.stream)] = .init(
                    expected: Revision(stream.expected), actual: Revision(stream.actual))
            }
            var causes: [RecordedEvent] = []
            for event in events { causes.append(try event.recorded()) }
            return AppendConflict(streams: mismatches, events: causes, head: Position(head))
        }
    }

    private struct Mismatch: ProtobufReadable {
        var stream = ""
        var expected: UInt64 = 0
        var actual: UInt64 = 0

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: stream = try reader.text(field)
            case 2: expected = try reader.number(field)
            case 3: actual = try reader.number(field)
            default: try reader.skip(field)
            }
        }
    }

    private struct EventIDFailure: ProtobufReadable {
        var id = EventID(high: 0, low: 0)
        var reason = ""

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: id = try reader.id(field)
            case 2: reason = try reader.text(field)
            default: try reader.skip(field)
            }
        }
    }

    private struct TrackingFailure: ProtobufReadable {
        var given = TrackingInfo()
        var recorded: UInt64 = 0

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: try reader.message(field, into: &given)
            case 2: recorded = try reader.number(field)
            default: try reader.skip(field)
            }
        }
    }

    private struct StoreFailure: ProtobufReadable {
        var code = ""
        var message = ""
        var isOutcomeUnknown = false
        var retryMilliseconds: Int64?

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: code = try reader.text(field)
            case 2: message = try reader.text(field)
            case 3: isOutcomeUnknown = try reader.truth(field)
            case 4: retryMilliseconds = Int64(clamping: try reader.number(field))
            default: try reader.skip(field)
            }
        }

        /// The failure. A server of a newer version can send a code that this version does not know.
        var error: StoreError {
            let known = StoreError.Code(rawValue: code)
            return StoreError(
                known ?? .ioFailure, known == nil ? "the server's store failed (\(code)): \(message)" : message,
                outcome: isOutcomeUnknown ? .unknown : .definite,
                retryAfter: retryMilliseconds.map { .milliseconds($0) })
        }
    }
}

extension ProtobufWriter {
    /// Writes an error of a store as field 15.
    package mutating func write(failure error: AppendError) {
        let whole = begin(15)
        switch error {
        case .invalid(let error): write(error)
        case .conflict(let conflict): write(conflict)
        case .knownID(let conflict):
            let mark = begin(3)
            id(1, conflict.id)
            text(2, conflict.reason.name)
            end(mark)
        case .tracking(let conflict):
            let mark = begin(4)
            write(1, conflict.given)
            number(2, conflict.recorded)
            end(mark)
        case .refused(let refusal): write(StoreError(.refused, "\(refusal)"))
        case .failed(let failure): write(failure)
        }
        end(whole)
    }

    private mutating func write(_ conflict: AppendConflict) {
        let mark = begin(2)
        for (stream, mismatch) in conflict.streams {
            let part = begin(1)
            text(1, stream.text)
            number(2, mismatch.expected.value)
            number(3, mismatch.actual.value)
            end(part)
        }
        for event in conflict.events { write(2, event) }
        number(3, conflict.head.value)
        end(mark)
    }

    private mutating func write(_ error: StoreError) {
        let mark = begin(5)
        text(1, error.code.rawValue)
        text(2, error.message)
        if error.outcome == .unknown { number(3, 1) }
        if let retryAfter = error.retryAfter { number(4, UInt64(clamping: retryAfter.wholeMilliseconds)) }
        end(mark)
    }
}

extension EventIDConflict.Reason {
    fileprivate init?(name: String) {
        switch name {
        case "other-contents": self = .otherContents
        case "partly-known": self = .partlyKnown
        case "other-append": self = .otherAppend
        default: return nil
        }
    }

    fileprivate var name: String {
        switch self {
        case .otherContents: "other-contents"
        case .partlyKnown: "partly-known"
        case .otherAppend: "other-append"
        }
    }
}
