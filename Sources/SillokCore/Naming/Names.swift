/// The name of a stream: the events of one thing, in order, such as `account-42`.
///
/// The part before the first dash is its ``Category``. At most 512 bytes by default; neither empty nor with
/// control characters.
public struct StreamID: Name {
    /// The name as it was given.
    public let text: String

    /// Holds `text` as it is.
    @inlinable public init(_ text: String) { self.text = text }

    /// The stream of one member of a category: `StreamID("account", "42")` is `account-42`.
    public init(_ category: Category, _ key: String) { self.text = "\(category.text)-\(key)" }

    /// The part before the first dash, or the whole name if there is none.
    public var category: Category {
        guard let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")) else { return Category(text) }
        return Category(String(text[..<dash]))
    }

    /// The part after the first dash, or nothing if there is none.
    public var key: String {
        guard let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")) else { return "" }
        return String(text[text.utf8.index(after: dash)...])
    }
}

/// What many streams have in common: the part of their names before the first dash, such as `account`.
public struct Category: Name {
    /// The name as it was given.
    public let text: String

    /// Holds `text` as it is.
    @inlinable public init(_ text: String) { self.text = text }
}

/// The stable name of a kind of event, such as `deposited`.
///
/// At most 256 bytes by default; neither empty nor with control characters.
public struct EventType: Name {
    /// The name as it was given.
    public let text: String

    /// Holds `text` as it is.
    @inlinable public init(_ text: String) { self.text = text }
}

/// What an event is about, such as `course:7`: events can be found, and decisions guarded, by their tags.
///
/// At most 64 on an event and 256 bytes each by default; neither empty nor with control characters.
public struct Tag: Name {
    /// The name as it was given.
    public let text: String

    /// Holds `text` as it is.
    @inlinable public init(_ text: String) { self.text = text }

    /// A tag of a kind and a key: `Tag("course", "7")` is `course:7`.
    public init(_ kind: String, _ key: String) { self.text = "\(kind):\(key)" }
}

/// How the bytes of a payload are to be read: a media type, `application/json` unless said otherwise.
public struct ContentType: Name {
    /// The name as it was given.
    public let text: String

    /// Holds `text` as it is.
    @inlinable public init(_ text: String) { self.text = text }

    /// JSON text in UTF-8: what Sillok writes for events that are Codable.
    public static let json = ContentType("application/json")

    /// Bytes of no stated form.
    public static let bytes = ContentType("application/octet-stream")
}

/// The name of another log or feed whose events are consumed into this store. See ``Tracking``.
public struct TrackingSource: Name {
    /// The name as it was given.
    public let text: String

    /// Holds `text` as it is.
    @inlinable public init(_ text: String) { self.text = text }
}
