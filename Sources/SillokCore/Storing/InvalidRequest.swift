/// A request that no store takes, and why. Nothing was stored; repeating it unchanged will fail again.
public struct InvalidRequest: Error, Hashable, CustomStringConvertible {
    /// What a name is the name of.
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

        /// The name of the limit of its bytes, as settings call it.
        package var limitName: String {
            switch self {
            case .stream, .category: "streamBytes"
            case .type, .contentType, .trackingSource: "typeBytes"
            case .tag: "tagBytes"
            case .metadataKey: "metadataBytes"
            }
        }
    }

    /// What is counted against a limit.
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

        /// The name of the limit, as settings call it.
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

    /// What is wrong.
    public enum Reason: Hashable, Sendable {
        /// An append without events.
        case emptyBatch
        /// A page of less than one event.
        case emptyPage
        /// A name without a character.
        case emptyName(Subject)
        /// A name longer than its limit.
        case nameTooLong(Subject, bytes: Int, limit: Int)
        /// A name with NUL or another control character.
        case controlCharacter(Subject)
        /// More than a limit allows.
        case overLimit(Measure, count: Int, limit: Int)
        /// The same event id twice in one append.
        case repeatedID(EventID)
        /// A bound by revision for a query that is not of exactly one stream.
        case revisionWithoutStream
        /// A category with a dash, which no stream has: a category is the part of a name before the first dash.
        case dashInCategory(Category)
        /// A given recorded time that is earlier than the last one of the store.
        case timeRunsBackwards(given: Timestamp, last: Timestamp)
        /// A given recorded time that is more than ``Limits/clockLead`` ahead of the store's clock. Every later event
        /// would get at least this time.
        case timeAhead(given: Timestamp, clock: Timestamp)
    }

    /// What is wrong.
    public let reason: Reason

    /// Which event of the append, counted from 0, if it is one of them.
    public let index: Int?

    /// A refusal.
    public init(_ reason: Reason, index: Int? = nil) {
        self.reason = reason
        self.index = index
    }

    /// What happened and what to do, in a sentence.
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
        case .overLimit(let measure, let count, let limit):
            "\(count) \(measure.rawValue); at most \(limit) are allowed (the limit \(measure.limitName))"
        case .dashInCategory(let category):
            "no stream has the category \(category): a category ends before the first dash, so the category of "
                + "\(category)-1 is \(StreamID(category.text).category)"
        case .repeatedID(let id): "the event id \(id) stands twice in the append"
        case .revisionWithoutStream: "a bound by revision needs a query of exactly one stream"
        case .timeRunsBackwards(let given, let last):
            "the recorded time \(given) is earlier than \(last), the last one of the store"
        case .timeAhead(let given, let clock):
            "the recorded time \(given) is too far ahead of the store's clock, "
                + "which shows \(clock). Every later event would "
                + "get at least this time"
        }
    }
}
