import SillokCore

extension Remote {
    /// A request that every store rejects, with the reason.
    struct Invalid: ProtobufMessage {
        static let name = "InvalidRequest"
        static let unread = Invalid("")

        private var reason: String
        private var index: Int?
        private var subject: String?
        private var count: Int?
        private var limit: Int?
        private var id: EventID?
        private var given: Timestamp?
        private var last: Timestamp?

        mutating func fields<Coder: ProtobufCoder & ~Copyable>(_ coder: inout Coder) throws(Coder.Failure) {
            try coder.field(1, "reason", &reason)
            try coder.field(2, "index", &index)
            try coder.field(3, "subject", &subject)
            try coder.field(4, "count", &count)
            try coder.field(5, "limit", &limit)
            try coder.field(6, "id", &id)
            try coder.field(7, "given", &given)
            try coder.field(8, "last", &last)
        }

        private init(_ reason: String) { self.reason = reason }

        private init(_ reason: String, _ subject: String, _ count: Int = 0, _ limit: Int = 0) {
            (self.reason, self.subject, self.count, self.limit) = (reason, subject, count, limit)
        }

        private init(_ reason: String, _ given: Timestamp, _ last: Timestamp) {
            (self.reason, self.given, self.last) = (reason, given, last)
        }

        init(_ error: InvalidRequest) {
            switch error.reason {
            case .emptyBatch: self.init("empty-batch")
            case .emptyPage: self.init("empty-page")
            case .revisionWithoutStream: self.init("revision-without-stream")
            case .emptyName(let subject): self.init("empty-name", subject.rawValue)
            case .controlCharacter(let subject): self.init("control-character", subject.rawValue)
            case .nameTooLong(let subject, let bytes, let limit):
                self.init("name-too-long", subject.rawValue, bytes, limit)
            case .overLimit(let measure, let count, let limit):
                self.init("over-limit", measure.rawValue, count, limit)
            case .dashInCategory(let category): self.init("dash-in-category", category.text)
            case .repeatedID(let id):
                self.init("repeated-id")
                self.id = id
            case .timeRunsBackwards(let given, let last): self.init("time-runs-backwards", given, last)
            case .timeAhead(let given, let clock): self.init("time-ahead", given, clock)
            }
            index = error.index
        }

        func error() throws(ProtobufError) -> InvalidRequest {
            guard let reason = knownReason else { throw .incomplete }
            return InvalidRequest(reason, index: index)
        }

        private var knownReason: InvalidRequest.Reason? {
            let (text, count, limit) = (subject ?? "", count ?? 0, limit ?? 0)
            let (given, last) = (given ?? Timestamp.unread, last ?? Timestamp.unread)
            let subject = InvalidRequest.Subject(rawValue: text)
            return switch reason {
            case "empty-batch": .emptyBatch
            case "empty-page": .emptyPage
            case "revision-without-stream": .revisionWithoutStream
            case "empty-name": subject.map { .emptyName($0) }
            case "name-too-long": subject.map { .nameTooLong($0, bytes: count, limit: limit) }
            case "control-character": subject.map { .controlCharacter($0) }
            case "over-limit":
                InvalidRequest.Measure(rawValue: text).map { .overLimit($0, count: count, limit: limit) }
            case "dash-in-category": .dashInCategory(StreamCategory(text))
            case "repeated-id": id.map { .repeatedID($0) }
            case "time-runs-backwards": .timeRunsBackwards(given: given, last: last)
            case "time-ahead": .timeAhead(given: given, clock: last)
            default: nil
            }
        }
    }
}
