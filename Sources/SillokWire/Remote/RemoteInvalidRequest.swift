import SillokCore

extension Remote {
    /// A request that every store rejects, with the reason.
    struct Invalid: ProtobufReadable {
        private var reason = ""
        private var index: Int?
        private var subject = ""
        private var count = 0
        private var limit = 0
        private var id: EventID?
        private var given: Int64 = 0
        private var last: Int64 = 0

        mutating func read(
            _ field: ProtobufReader.Field, _ reader: inout ProtobufReader
        ) throws(ProtobufError) {
            switch field.number {
            case 1: reason = try reader.text(field)
            case 2: index = try reader.count(field)
            case 3: subject = try reader.text(field)
            case 4: count = try reader.count(field)
            case 5: limit = try reader.count(field)
            case 6: id = try reader.id(field)
            case 7: given = try reader.signed(field)
            case 8: last = try reader.signed(field)
            default: try reader.skip(field)
            }
        }

        func error() throws(ProtobufError) -> InvalidRequest {
            guard let reason = knownReason else { throw .incomplete }
            return InvalidRequest(reason, index: index)
        }

        private var knownReason: InvalidRequest.Reason? {
            let name = InvalidRequest.Subject(rawValue: subject)
            switch reason {
            case "empty-batch": return .emptyBatch
            case "empty-page": return .emptyPage
            case "revision-without-stream": return .revisionWithoutStream
            case "empty-name": return name.map { .emptyName($0) }
            case "name-too-long": return name.map { .nameTooLong($0, bytes: count, limit: limit) }
            case "control-character": return name.map { .controlCharacter($0) }
            case "over-limit":
                return InvalidRequest.Measure(rawValue: subject).map { .overLimit($0, count: count, limit: limit) }
            case "dash-in-category": return .dashInCategory(StreamCategory(subject))
            case "repeated-id": return id.map { .repeatedID($0) }
            case "time-runs-backwards":
                return .timeRunsBackwards(
                    given: Timestamp(microsecondsSince1970: given), last: Timestamp(microsecondsSince1970: last))
            case "time-ahead":
                return .timeAhead(
                    given: Timestamp(microsecondsSince1970: given), clock: Timestamp(microsecondsSince1970: last))
            default: return nil
            }
        }
    }
}

extension ProtobufWriter {
    mutating func write(_ error: InvalidRequest) {
        let mark = begin(1)
        switch error.reason {
        case .emptyBatch: text(1, "empty-batch")
        case .emptyPage: text(1, "empty-page")
        case .revisionWithoutStream: text(1, "revision-without-stream")
        case .emptyName(let subject): write("empty-name", subject.rawValue)
        case .controlCharacter(let subject): write("control-character", subject.rawValue)
        case .nameTooLong(let subject, let bytes, let limit): write("name-too-long", subject.rawValue, bytes, limit)
        case .overLimit(let measure, let count, let limit): write("over-limit", measure.rawValue, count, limit)
        case .dashInCategory(let category): write("dash-in-category", category.text)
        case .repeatedID(let id):
            text(1, "repeated-id")
            self.id(6, id)
        case .timeRunsBackwards(let given, let last):
            text(1, "time-runs-backwards")
            signed(7, given.microsecondsSince1970)
            signed(8, last.microsecondsSince1970)
        case .timeAhead(let given, let clock):
            text(1, "time-ahead")
            signed(7, given.microsecondsSince1970)
            signed(8, clock.microsecondsSince1970)
        }
        if let index = error.index { signed(2, Int64(index)) }
        end(mark)
    }

    private mutating func write(_ reason: String, _ subject: String, _ count: Int = 0, _ limit: Int = 0) {
        text(1, reason)
        text(3, subject)
        signed(4, Int64(count))
        signed(5, Int64(limit))
    }
}
