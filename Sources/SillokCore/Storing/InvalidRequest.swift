/// A request that is malformed or exceeds a limit of the store, with the reason. Nothing was stored; repeating it
/// unchanged fails again.
public struct InvalidRequest: Error, Hashable, CustomStringConvertible {
    /// The kind of a name.
    public enum Subject: String, Hashable, Sendable {
        /// A stream.
        case stream
        /// A category.
        case category
        /// An event type.
        case type = "event type"
        /// A tag.
        case tag
        /// A content type.
        case contentType = "content type"
        /// A metadata key.
        case metadataKey = "metadata key"
        /// A tracking source.
        case trackingSource = "tracking source"

        /// The setting that limits the bytes of this kind of name.
        package var limitName: String {
            switch self {
            case .stream, .category: "streamBytes"
            case .type, .contentType, .trackingSource: "typeBytes"
            case .tag: "tagBytes"
            case .metadataKey: "metadataBytes"
            }
        }
    }

    /// A quantity that has a limit.
    public enum Measure: String, Hashable, Sendable {
        /// ``Limits/batchEvents``.
        case batchEvents = "events in the append"
        /// ``Limits/batchBytes``.
        case batchBytes = "bytes in the append"
        /// ``Limits/payloadBytes``.
        case payloadBytes = "bytes of payload"
        /// ``Limits/metadataBytes``.
        case metadataBytes = "bytes of metadata"
        /// ``Limits/tags``.
        case tags
        /// ``Limits/queryItems``.
        case queryItems = "alternatives in the query"
        /// ``Limits/pageEvents``.
        case pageEvents = "events in a page"

        /// The setting that limits this quantity.
        package var limitName: String {
            switch self {
            case .batchEvents: "batchEvents"
            case .batchBytes: "batchBytes"
            case .payloadBytes: "payloadBytes"
            case .metadataBytes: "metadataBytes"
            case .tags: "tags"
            case .queryItems: "queryItems"
            case .pageEvents: "pageEvents"
            }
        }
    }

    /// The reason why a request is invalid.
    public enum Reason: Hashable, Sendable {
        /// The append has no events.
        case emptyBatch
        /// The limit of the page is less than 1.
        case emptyPage
        /// The name is empty.
        case emptyName(Subject)
        /// The name is longer than its limit.
        case nameTooLong(Subject, bytes: Int, limit: Int)
        /// The name contains NUL or another control character.
        case controlCharacter(Subject)
        /// The request has more than a limit allows.
        case overLimit(Measure, count: Int, limit: Int)
        /// The append contains the same event id twice.
        case repeatedID(EventID)
        /// The request bounds a query by revision, but the query is not for exactly one stream.
        case revisionWithoutStream
        /// The category contains a dash. No stream has such a category, because it ends before the first dash.
        case dashInCategory(StreamCategory)
        /// A given recorded time is earlier than the last one of the store.
        case timeRunsBackwards(given: Timestamp, last: Timestamp)
        /// A given recorded time is more than ``Limits/clockLead`` ahead of the store's clock. Every later event would
        /// get at least this time.
        case timeAhead(given: Timestamp, clock: Timestamp)
    }

    /// The reason why the request is invalid.
    public let reason: Reason

    /// The index of the invalid event in the append, from 0; `nil` if the reason does not concern one event.
    public let index: Int?

    /// Creates an error with a reason, and with the index of the invalid event if there is one.
    public init(_ reason: Reason, index: Int? = nil) {
        self.reason = reason
        self.index = index
    }

    /// What happened and what to do next, in a sentence.
    public var description: String {
        let place = index.map { "event \($0) of the append: " } ?? ""
        return place + explanation
    }

    package func at(_ index: Int) -> InvalidRequest { InvalidRequest(reason, index: index) }

    package static func limit(_ measure: Measure, _ count: Int, _ limit: Int) throws(InvalidRequest) {
        guard count > limit else { return }
        throw InvalidRequest(.overLimit(measure, count: count, limit: limit))
    }

    private var explanation: String {
        switch reason {
        case .emptyBatch: "an append needs at least one event, or tracking to record"
        case .emptyPage: "a page needs a limit of at least 1"
        case .emptyName(let subject): "the name of the \(subject.rawValue) is empty"
        case .nameTooLong(let subject, let bytes, let limit):
            "the name of the \(subject.rawValue) has \(bytes) bytes; at most \(limit) are allowed"
                + " (the limit \(subject.limitName))"
        case .controlCharacter(let subject): "the name of the \(subject.rawValue) has a control character"
        case .overLimit(.queryItems, let count, let limit):
            "the query or the condition has \(count) alternatives, types or queries; at most \(limit) are allowed "
                + "(the limit queryItems)"
        case .overLimit(let measure, let count, let limit):
            "\(count) \(measure.rawValue); at most \(limit) are allowed (the limit \(measure.limitName))"
        case .dashInCategory(let category):
            "no stream has the category \(category): a category ends before the first dash, so the category of "
                + "\(category)-1 is \(StreamID(category.text).category)"
        case .repeatedID(let id): "the event id \(id) occurs twice in the append"
        case .revisionWithoutStream: "a bound by revision needs a query of exactly one stream"
        case .timeRunsBackwards(let given, let last):
            "the recorded time \(given) is earlier than \(last), the time of the last event of the store"
        case .timeAhead(let given, let clock):
            "the recorded time \(given) is too far ahead of the store's clock, "
                + "which shows \(clock). Every later event would "
                + "get at least this time"
        }
    }
}
