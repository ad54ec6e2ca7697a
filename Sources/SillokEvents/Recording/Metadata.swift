/// Why an event happened and where it came from: keys and values next to the payload, in the order in which they were
/// set.
///
/// Sillok uses the keys in ``Key``, of which seven have a property here. It also uses `hops`, the number of steps and
/// webhooks that led to an event. All other keys are free. Memory and disk hold the same compact bytes, so reading a
/// million events allocates no dictionaries.
public struct Metadata: Hashable, Sendable {
    /// Key, value, key, value …, each as a length (LEB128) and then that number of UTF-8 bytes.
    package private(set) var bytes: [UInt8]

    /// Creates metadata without keys.
    public init() { bytes = [] }

    /// Creates metadata from its properties, except ``schemaVersion``. A key whose value is `nil` is left out.
    public init(
        actor: String? = nil, correlationID: String? = nil, causationID: String? = nil,
        commandID: CommandID? = nil, traceparent: String? = nil, reason: String? = nil
    ) {
        bytes = []
        self.actor = actor
        self.correlationID = correlationID
        self.causationID = causationID
        self.commandID = commandID
        self.traceparent = traceparent
        self.reason = reason
    }

    /// Creates metadata from the bytes that a store keeps; returns `nil` unless they are well-formed.
    package init?(bytes: [UInt8]) {
        self.bytes = bytes
        var cursor = Cursor(bytes: bytes)
        while let length = cursor.nextLength() { cursor.index += length }
        guard cursor.index == bytes.count, cursor.count.isMultiple(of: 2) else { return nil }
    }

    /// Creates metadata from bytes that were well-formed when they were written and that a checksum protects.
    package init(trusted bytes: [UInt8]) { self.bytes = bytes }

    /// Whether the metadata has no keys.
    public var isEmpty: Bool { bytes.isEmpty }

    /// The value of a key, or `nil` if it is absent. Setting `nil` removes the key; a new key is added at the end.
    public subscript(key: String) -> String? {
        get {
            var cursor = Cursor(bytes: bytes)
            while let found = cursor.nextRange(), let value = cursor.nextRange() {
                if bytes[found].elementsEqual(key.utf8) { return String(decoding: bytes[value], as: UTF8.self) }
            }
            return nil
        }
        set {
            var all = entries
            let index = all.firstIndex { $0.key.hasSameBytes(as: key) }
            switch (index, newValue) {
            case (let index?, let value?): all[index].value = value
            case (let index?, nil): all.remove(at: index)
            case (nil, let value?): all.append((key, value))
            case (nil, nil): return
            }
            bytes = []
            for (key, value) in all { append(key, value) }
        }
    }

    /// All keys and values in order.
    public var entries: [(key: String, value: String)] {
        var cursor = Cursor(bytes: bytes)
        var result: [(key: String, value: String)] = []
        while let key = cursor.nextRange(), let value = cursor.nextRange() {
            result.append((String(decoding: bytes[key], as: UTF8.self), String(decoding: bytes[value], as: UTF8.self)))
        }
        return result
    }

    /// Who caused the event: a person or a service.
    public var actor: String? {
        get { self[Key.actor] }
        set { self[Key.actor] = newValue }
    }

    /// The id that is shared by all events and commands that one request caused.
    public var correlationID: String? {
        get { self[Key.correlationID] }
        set { self[Key.correlationID] = newValue }
    }

    /// The direct cause: the id of the command or of the event.
    public var causationID: String? {
        get { self[Key.causationID] }
        set { self[Key.causationID] = newValue }
    }

    /// The id of the command that decided the event; `nil` also when the value is not a UUID.
    public var commandID: CommandID? {
        get { self[Key.commandID].flatMap { CommandID($0) } }
        set { self[Key.commandID] = newValue?.description }
    }

    /// The W3C trace in which the event happened.
    public var traceparent: String? {
        get { self[Key.traceparent] }
        set { self[Key.traceparent] = newValue }
    }

    /// Why the actor did it, in the actor's words.
    public var reason: String? {
        get { self[Key.reason] }
        set { self[Key.reason] = newValue }
    }

    /// The version of the schema that the payload follows, from 1. `nil` if the key is absent, which means version 1,
    /// or if its value is no such number.
    public var schemaVersion: Int? {
        get { self[Key.schemaVersion].flatMap { Int($0) }.flatMap { $0 >= 1 ? $0 : nil } }
        set { self[Key.schemaVersion] = newValue.map { String($0) } }
    }

    /// Returns this metadata with every missing key taken from `other`.
    public func filled(from other: Metadata) -> Metadata {
        if other.isEmpty { return self }
        if isEmpty { return other }
        var result = self
        for (key, value) in other.entries where result[key] == nil { result.append(key, value) }
        return result
    }

    /// The keys that Sillok uses. All but ``command`` and ``cloudEvent`` have a property. They have lower-case letters
    /// only, as CloudEvents requires of attributes.
    public enum Key {
        /// The key of ``Metadata/actor``.
        public static let actor = "actor"
        /// The key of ``Metadata/correlationID``.
        public static let correlationID = "correlationid"
        /// The key of ``Metadata/causationID``.
        public static let causationID = "causationid"
        /// The key of ``Metadata/commandID``.
        public static let commandID = "commandid"
        /// The key of the command that led to the events, as JSON, if the handler records it.
        public static let command = "command"
        /// The key of ``Metadata/traceparent``.
        public static let traceparent = "traceparent"
        /// The key of ``Metadata/reason``.
        public static let reason = "reason"
        /// The key of ``Metadata/schemaVersion``.
        public static let schemaVersion = "schemaversion"
        /// The key for data about an event that came as a CloudEvent: its original identity, and which of the other
        /// keys were attributes. Only the readers and writers of CloudEvents should use it.
        public static let cloudEvent = "cloudevent"
    }

    private mutating func append(_ key: String, _ value: String) {
        for text in [key, value] {
            bytes.appendLength(text.utf8.count)
            bytes.append(contentsOf: text.utf8)
        }
    }

    /// A cursor over the encoded texts.
    private struct Cursor {
        let bytes: [UInt8]
        var index = 0
        var count = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func nextRange() -> Range<Int>? {
            guard let length = nextLength() else { return nil }
            defer { index += length }
            return index..<index + length
        }

        /// Returns the length of the next text and moves to its start; `nil` at the end or if it does not fit.
        mutating func nextLength() -> Int? {
            let before = index
            guard let length = bytes.length(at: &index), length <= bytes.count - index else {
                index = before
                return nil
            }
            count += 1
            return length
        }
    }
}

extension [UInt8] {
    /// Appends a length as LEB128: seven bits a byte, the lowest first.
    package mutating func appendLength(_ length: Int) {
        var rest = UInt64(length)
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    /// Reads a length that `appendLength` wrote and moves past it; `nil` if there is none.
    package func length(at index: inout Int) -> Int? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < count, shift < 56 {
            let byte = self[index]
            index += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int(exactly: value) }
            shift += 7
        }
        return nil
    }
}

extension Metadata {
    /// The key for ``hops``.
    package static let hopsKey = "hops"

    /// The number of steps of processes, and of webhooks between systems, that led to an event. It ends loops.
    package var hops: Int {
        get { max(0, self[Metadata.hopsKey].flatMap { Int($0) } ?? 0) }
        set { self[Metadata.hopsKey] = "\(newValue)" }
    }

    /// The metadata with one more hop.
    package var oneHopFurther: Metadata {
        var metadata = self
        let (hops, isTooMany) = hops.addingReportingOverflow(1)
        metadata.hops = isTooMany ? .max : hops
        return metadata
    }
}
