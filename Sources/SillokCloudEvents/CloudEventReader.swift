package import SillokCore
package import SillokJSON

/// An event as received, and its form in a store.
package struct CloudEvent: Sendable {
    /// The URI of where the event was recorded or produced first.
    package let source: String
    /// Its position there, if the line says so.
    package let position: UInt64?
    /// The event, its stream and its recorded time.
    package var entry: AppendRequest.Entry
    /// Whether the event has an identity of its producer, which is not that of a store of ours.
    package let isForeign: Bool
    /// The event as earlier versions recorded it, if they took it: under its UUID, for any source.
    package var former: EventData?
}

/// A line that is not an event, and why.
package struct InvalidLine: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

extension CloudEvent {
    /// Reads a line: a CloudEvents 1.0 object with nothing in it that would get lost.
    package init(line: [UInt8]) throws {
        try self.init(line: Self.value(of: line))
    }

    /// Reads a line that holds an event, or an array of them.
    package static func events(ofLine line: [UInt8]) throws -> [CloudEvent] {
        let value = try value(of: line)
        guard let elements = value.elements else { return [try CloudEvent(line: value)] }
        return try elements.enumerated().map { index, element in
            do {
                return try CloudEvent(line: element)
            } catch let error as InvalidLine {
                throw InvalidLine("element \(index) of the array: \(error)")
            }
        }
    }

    package static func value(of line: [UInt8]) throws -> JSONReader.Value {
        do {
            return try JSONReader(line).root
        } catch {
            throw InvalidLine("\(error)")
        }
    }

    private init(line value: JSONReader.Value) throws {
        guard let members = value.members else { throw InvalidLine("the line is JSON, but not an object") }
        var parts = CloudEventParts()
        for (key, value) in members { try parts.take(key, value) }
        try parts.checkVersion(isNeeded: true)
        guard let id = parts.id else { throw InvalidLine("the attribute \"id\" is missing") }
        guard let source = parts.source, !source.isEmpty else {
            throw InvalidLine("the attribute \"source\" is missing")
        }
        let identity = CloudEventIdentity(source: source, id: id)
        let time = try parts.time.map { try parts.moment($0) }
        // The time of another producer says when something happened, not when a store recorded it.
        guard identity.isOurs else {
            self = try parts.foreign(identity, recordedAt: parts.recordedAt)
            return
        }
        // A time that is finer than a store keeps it is kept as it was given.
        guard parts.time.map({ Timestamp($0) != nil }) ?? true else {
            self = try parts.foreign(identity, recordedAt: parts.recordedAt ?? time)
            return
        }
        let others = parts.attributes.filter { $0.name != "source" && $0.name != "time" }.sorted(by: Self.precedes)
        let (type, bytes, form) = try parts.content()
        var envelope = CloudEventEnvelope()
        envelope.attributes = others.map { ($0.name, $0.type) }
        envelope.form = form == .text || form == .base64 ? form : nil
        let event = EventData(
            id: identity.eventID, type: try parts.eventType(), tags: parts.tags,
            metadata: try parts.allMetadata(with: others, envelope), contentType: type, payload: bytes)
        self.init(
            source: source, position: parts.position,
            entry: .init(
                stream: parts.subject.map { StreamID($0) }, event: event, recordedAt: parts.recordedAt ?? time),
            isForeign: false)
    }

    /// Reads an event that a client wants to append: its type is enough.
    ///
    /// With an `id` and a `source` it has an identity of its own, which is kept with all attributes. Without one,
    /// attributes that CloudEvents calls extensions become metadata, and so do `source` and `time`, which are the
    /// sender's: the store has its own. A client cannot choose the position and the revision.
    /// - Parameters:
    ///   - value: the object.
    ///   - stream: the stream of an event that names none.
    ///   - id: the identity of an event that has none.
    package static func posted(
        _ value: JSONReader.Value, to stream: StreamID?, id: @autoclosure () -> EventID
    ) throws -> CloudEvent {
        guard let members = value.members else { throw InvalidLine("an event must be a JSON object") }
        var parts = CloudEventParts()
        for (key, value) in members {
            if ["position", "revision", "sillokid", "silloktime"].contains(key), !value.isNull {
                throw InvalidLine("\"\(key)\" is given by the store; leave it out")
            }
            try parts.take(key, value)
        }
        return try parts.posted(to: stream, id: id)
    }

    /// Reads an event in the binary mode of HTTP, whose attributes are headers and whose payload is the body.
    ///
    /// - Parameters:
    ///   - headers: names without `ce-`, in lower case, and their decoded values.
    ///   - contentType: the content type of the body.
    package static func posted(
        headers: [(name: String, value: String)], contentType: String?, body: [UInt8], to stream: StreamID?,
        id: @autoclosure () -> EventID
    ) throws -> CloudEvent {
        var parts = CloudEventParts()
        for (name, value) in headers {
            switch name {
            case "specversion": parts.version = value
            case "id": parts.id = value
            case "type": parts.type = value
            case "subject": parts.subject = value
            case "datacontenttype", "data", "data_base64", "position", "revision", "metadata", "sillokid",
                "silloktime", "silloklayout":
                throw InvalidLine("the header ce-\(name) is reserved; leave it out")
            default:
                if name == "source" { parts.source = value }
                if name == "time" { parts.time = value }
                parts.attributes.append(.init(name: name, value: value, type: .string))
            }
        }
        try parts.checkVersion(isNeeded: true)
        parts.contentType = contentType
        // An empty body is no payload, unless a type is named that has empty values.
        let isTyped = contentType.map { !ContentType($0).isJSON } ?? false
        if !body.isEmpty || isTyped { try parts.take(.bytes(body)) }
        return try parts.posted(to: stream, id: id)
    }

    fileprivate static func precedes(_ left: CloudEventParts.Attribute, _ right: CloudEventParts.Attribute) -> Bool {
        left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }
}

extension CloudEventParts {
    func posted(to stream: StreamID?, id makeID: () -> EventID) throws -> CloudEvent {
        try checkVersion(isNeeded: false)
        if let subject, let stream, !subject.hasSameBytes(as: stream.text) {
            throw InvalidLine("\"subject\" is \"\(subject)\", but the events are appended to \"\(stream)\"")
        }
        var parts = self
        parts.subject = subject ?? stream?.text
        var given: EventID?
        if let id {
            if let source {
                let identity = CloudEventIdentity(source: source, id: id)
                if !identity.isOurs { return try parts.foreign(identity, recordedAt: nil, isPosted: true) }
            }
            given = EventID(id)
            guard given != nil else {
                throw InvalidLine("\"id\" is \"\(id)\", not a UUID: with such an id the event needs a \"source\" too")
            }
        }
        let (type, bytes, form) = try content()
        // Texts first, as in a line of an export, so that an event that is imported again has the same bytes.
        let texts = attributes.filter { $0.type == .string }
        let others = attributes.filter { $0.type != .string }.sorted(by: CloudEvent.precedes)
        var envelope = CloudEventEnvelope()
        envelope.attributes = others.map { ($0.name, $0.type) }
        envelope.form = form == .text || form == .base64 ? form : nil
        let event = EventData(
            id: given ?? makeID(), type: try eventType(), tags: tags,
            metadata: try allMetadata(with: texts + others, envelope), contentType: type, payload: bytes)
        return CloudEvent(
            source: source ?? "", position: nil,
            entry: .init(stream: parts.subject.map { StreamID($0) }, event: event), isForeign: false)
    }

    /// The event with the identity that its producer gave it.
    func foreign(
        _ identity: CloudEventIdentity, recordedAt: Timestamp?, isPosted: Bool = false
    ) throws -> CloudEvent {
        guard !identity.id.isEmpty, !identity.source.isEmpty else {
            throw InvalidLine("\"id\" and \"source\" must not be empty")
        }
        if let storedID, storedID != identity.eventID {
            throw InvalidLine("\"sillokid\" does not match the \"source\" and the \"id\" of the event")
        }
        if let time { _ = try moment(time) }
        let sorted = attributes.sorted(by: CloudEvent.precedes)
        let (type, bytes, form) = try content()
        var envelope = CloudEventEnvelope()
        envelope.id = identity.id
        envelope.attributes = sorted.map { ($0.name, $0.type) }
        envelope.form = form
        envelope.hasContentType = contentType != nil
        let event = EventData(
            id: identity.eventID, type: try eventType(), tags: tags,
            metadata: try allMetadata(with: sorted, envelope), contentType: type, payload: bytes)
        var result = CloudEvent(
            source: identity.source, position: position,
            entry: .init(stream: subject.map { StreamID($0) }, event: event, recordedAt: recordedAt), isForeign: true)
        result.former = try former(event, isPosted: isPosted)
        return result
    }

    /// The event as versions before the identity of producers recorded it.
    private func former(_ event: EventData, isPosted: Bool) throws -> EventData? {
        guard let id = id.flatMap({ EventID($0) }) else { return nil }
        let others = isPosted ? attributes : attributes.filter { $0.name != "source" && $0.name != "time" }
        guard isPosted || others.isEmpty, others.allSatisfy({ $0.type == .string }) else { return nil }
        var former = event
        former.id = id
        former.metadata = try allMetadata(with: others)
        return former
    }

    func checkVersion(isNeeded: Bool) throws {
        guard let version else {
            if isNeeded { throw InvalidLine("the attribute \"specversion\" is missing") }
            return
        }
        guard version == "1.0" else { throw InvalidLine("\"specversion\" is \"\(version)\", not \"1.0\"") }
    }

    func eventType() throws -> EventType {
        guard let type else { throw InvalidLine("the attribute \"type\" is missing") }
        return EventType(type)
    }

    /// The moment of a time of RFC 3339, to the microsecond: finer digits are cut, and a leap second is the end of the
    /// second before it.
    func moment(_ text: String) throws -> Timestamp {
        guard let moment = Timestamp(text) ?? Timestamp(Self.coarse(text)) else {
            throw InvalidLine("\"time\" is not a time of RFC 3339")
        }
        return moment
    }

    private static func coarse(_ text: String) -> String {
        var bytes = Array(text.utf8)
        guard bytes.count >= 20 else { return text }
        let isLeap = bytes[16] == UInt8(ascii: ":") && bytes[17] == UInt8(ascii: "6") && bytes[18] == UInt8(ascii: "0")
        if isLeap { bytes.replaceSubrange(17...18, with: "59".utf8) }
        guard bytes[19] == UInt8(ascii: ".") else {
            if isLeap { bytes.insert(contentsOf: ".999999".utf8, at: 19) }
            return String(decoding: bytes, as: UTF8.self)
        }
        let end = bytes[20...].firstIndex { !(0x30...0x39).contains($0) } ?? bytes.count
        guard end > 20 else { return text }
        bytes.replaceSubrange(20..<end, with: isLeap ? Array("999999".utf8)[...] : bytes[20..<min(end, 26)])
        return String(decoding: bytes, as: UTF8.self)
    }
}
