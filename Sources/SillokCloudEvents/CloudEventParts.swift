import SillokCore
import SillokJSON

/// The attributes and the payload of an event as they came, in any form: nothing is decided yet.
struct CloudEventParts {
    /// An attribute that is neither of the standard's own nor of ours.
    struct Attribute {
        let name: String
        let value: String
        let type: CloudEventEnvelope.AttributeType
    }

    /// The payload as it came.
    enum Payload {
        case none
        case json(JSONReader.Value)
        case base64([UInt8])
        case bytes([UInt8])
    }

    var version: String?
    var id: String?
    var source: String?
    var type: String?
    var subject: String?
    var time: String?
    var contentType: String?
    var position: UInt64?
    var revision: UInt64?
    /// The id that a store has given, next to an identity of the producer.
    var storedID: EventID?
    var recordedAt: Timestamp?
    var layout: String?
    var tags: [EventTag] = []
    /// The members of `metadata`.
    var metadata = Metadata()
    /// Extensions, and `source` and `time` among them, in the order in which they came.
    var attributes: [Attribute] = []
    var payload = Payload.none

    /// Takes a member of an object. One that is `null` is as good as not there, but for `data`.
    mutating func take(_ key: String, _ value: JSONReader.Value) throws {
        if value.isNull, key != "data" { return }
        switch key {
        case "specversion": version = try text(key, value)
        case "id": id = try text(key, value)
        case "source": source = try extend(key, value)
        case "type": type = try text(key, value)
        case "subject": subject = try text(key, value)
        case "time": time = try extend(key, value)
        case "datacontenttype": contentType = try text(key, value)
        case "position": position = try number(key, value)
        case "revision": revision = try number(key, value)
        case "sillokid": storedID = try parse(key, value, "a UUID") { EventID($0) }
        case "silloktime": recordedAt = try parse(key, value, "a time of RFC 3339 in microseconds") { Timestamp($0) }
        case "silloklayout": layout = try text(key, value)
        case "tags" where value.elements != nil: tags = try texts(key, value).map { EventTag($0) }
        case "metadata": metadata = try entries(key, value)
        case "data": try take(.json(value))
        case "data_base64": try take(.base64(try parse(key, value, "Base64") { Base64.bytes(of: $0) }))
        default: try extend(key, value)
        }
    }

    /// Takes a payload; there may be one.
    mutating func take(_ payload: Payload) throws {
        guard case .none = self.payload else { throw InvalidLine("\"data\" and \"data_base64\" exclude each other") }
        self.payload = payload
    }

    /// The metadata of an event: the members of `metadata`, then attributes. A key has one value.
    func allMetadata(with attributes: [Attribute], _ envelope: CloudEventEnvelope? = nil) throws -> Metadata {
        var metadata = self.metadata
        for attribute in attributes {
            if let known = metadata[attribute.name], !known.hasSameBytes(as: attribute.value) {
                throw InvalidLine(
                    "\"\(attribute.name)\" is given twice, as an attribute and in \"metadata\", with different values")
            }
            metadata[attribute.name] = attribute.value
        }
        if let envelope, !envelope.isEmpty { metadata[CloudEventEnvelope.key] = envelope.text }
        return metadata
    }

    /// The content type, the payload's bytes, and how they came where the bytes do not say it.
    func content() throws -> (type: ContentType, bytes: [UInt8], form: CloudEventEnvelope.DataForm?) {
        let type = contentType.map { ContentType($0) } ?? .json
        switch payload {
        case .none: return (type, [], type.isJSON ? nil : .absent)
        case .bytes(let bytes): return (type, bytes, type.isJSON && bytes.isEmpty ? .base64 : nil)
        case .base64(let bytes):
            let isPlain = type.isJSON && (bytes.isEmpty || bytes.isJSONMember)
            return (type, bytes, isPlain ? .base64 : nil)
        case .json(let value) where type.isJSON:
            guard let layout else { return (type, Array(value.raw), nil) }
            guard let bytes = JSONLayout.text(line: Array(value.raw), note: layout) else {
                throw InvalidLine("\"silloklayout\" does not match \"data\"")
            }
            return (type, bytes, nil)
        case .json(let value): return (type, Array(try text("data", value).utf8), .text)
        }
    }
}

// Values of members.
extension CloudEventParts {
    /// Takes an attribute and answers its value.
    @discardableResult
    private mutating func extend(_ key: String, _ value: JSONReader.Value) throws -> String {
        if let text = value.string {
            attributes.append(Attribute(name: key, value: text, type: .string))
            return text
        }
        if key == "source" || key == "time" { throw InvalidLine("\"\(key)\" is not a string") }
        let raw = String(decoding: value.raw, as: UTF8.self)
        let types: [CloudEventEnvelope.AttributeType] = [.boolean, .integer]
        guard let type = types.first(where: { $0.fits(raw) }) else {
            throw InvalidLine(
                "the attribute \"\(key)\" is not a string, a whole number or a Boolean; put such a value into \"data\"")
        }
        attributes.append(Attribute(name: key, value: raw, type: type))
        return raw
    }

    private func text(_ key: String, _ value: JSONReader.Value) throws -> String {
        guard let text = value.string else { throw InvalidLine("\"\(key)\" is not a string") }
        return text
    }

    private func number(_ key: String, _ value: JSONReader.Value) throws -> UInt64 {
        guard let number = value.integer(as: UInt64.self), number < 1 << 63 else {
            throw InvalidLine("\"\(key)\" is not a whole number below 2^63")
        }
        return number
    }

    private func parse<Result>(
        _ key: String, _ value: JSONReader.Value, _ form: String, _ parse: (String) -> Result?
    ) throws -> Result {
        guard let result = parse(try text(key, value)) else { throw InvalidLine("\"\(key)\" is not \(form)") }
        return result
    }

    private func texts(_ key: String, _ value: JSONReader.Value) throws -> [String] {
        guard let elements = value.elements else { throw InvalidLine("\"\(key)\" is not an array") }
        return try elements.map { element in try text(key, element) }
    }

    private func entries(_ key: String, _ value: JSONReader.Value) throws -> Metadata {
        guard let members = value.members else { throw InvalidLine("\"\(key)\" is not an object") }
        var bytes: [UInt8] = []
        for (name, value) in members {
            for text in [name, try text("\(key).\(name)", value)] {
                bytes.appendLength(text.utf8.count)
                bytes.append(contentsOf: text.utf8)
            }
        }
        return Metadata(trusted: bytes)
    }
}
