/// The name of a stream, such as `account-42`: the events of one entity, in order.
///
/// The part before the first dash is its ``StreamCategory``. At most 512 bytes by default, not empty, no control
/// characters.
public struct StreamID: Name {
    /// The name as it was given.
    public let text: String

    /// Creates a stream name with exactly this text.
    @inlinable public init(_ text: String) { self.text = text }

    /// Creates the name of one stream of a category: `StreamID("account", "42")` is `account-42`.
    public init(_ category: StreamCategory, _ key: String) { self.text = "\(category.text)-\(key)" }

    /// The part before the first dash, or the whole name if there is none.
    public var category: StreamCategory {
        guard let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")) else { return StreamCategory(text) }
        return StreamCategory(String(text[..<dash]))
    }

    /// The part after the first dash, or the empty string if there is none.
    public var key: String {
        guard let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")) else { return "" }
        return String(text[text.utf8.index(after: dash)...])
    }
}

/// The common part of the names of related streams: all before the first dash, such as `account`.
public struct StreamCategory: Name {
    /// The name as it was given.
    public let text: String

    /// Creates a category name with exactly this text.
    @inlinable public init(_ text: String) { self.text = text }

    /// Whether it begins with `process:`, `webhook:` or `schedule:`.
    ///
    /// Only Sillok itself writes to such categories, for its runners and for operators. `sillok append` refuses them. A
    /// server accepts an append only if the grant of the key names the category, or if the append copies a log.
    /// Publishers pass the events on only if the query names the category or a stream of it.
    public var isReserved: Bool { text.isReserved }
}

extension String {
    /// Whether it is a name in a reserved category, or a prefix of such names. The prefixes contain no dash, so the
    /// name of a stream has one exactly if its category has.
    package var isReserved: Bool {
        utf8.starts(with: "process:".utf8) || utf8.starts(with: "webhook:".utf8)
            || utf8.starts(with: "schedule:".utf8)
    }
}

/// The stable name of a kind of event, such as `deposited`.
///
/// At most 256 bytes by default; neither empty nor with control characters.
public struct EventType: Name {
    /// The name as it was given.
    public let text: String

    /// Creates a type name with exactly this text.
    @inlinable public init(_ text: String) { self.text = text }
}

/// A name of something that an event is about, such as `course:7`. Queries find events by tags, and conditions guard
/// decisions by them.
///
/// By default at most 64 on an event and 256 bytes each; neither empty nor with control characters.
public struct EventTag: Name {
    /// The name as it was given.
    public let text: String

    /// Creates a tag with exactly this text.
    @inlinable public init(_ text: String) { self.text = text }

    /// Creates a tag from a kind and a key: `EventTag("course", "7")` is `course:7`.
    public init(_ kind: String, _ key: String) { self.text = "\(kind):\(key)" }
}

/// The format of a payload, as a media type: `application/json` unless another one is given.
public struct ContentType: Name {
    /// The name as it was given.
    public let text: String

    /// Creates a content type with exactly this text.
    @inlinable public init(_ text: String) { self.text = text }

    /// JSON text in UTF-8, which Sillok writes for Codable events.
    public static let json = ContentType("application/json")

    /// Bytes of an unspecified format.
    public static let bytes = ContentType("application/octet-stream")
}

/// The name of another log or feed from which a consumer appends events to this store. See ``Tracking``.
public struct TrackingSource: Name {
    /// The name as it was given.
    public let text: String

    /// Creates a source name with exactly this text.
    @inlinable public init(_ text: String) { self.text = text }
}
