package import SillokCore

/// An event as a line of an export says it.
package struct CloudEvent: Sendable {
    /// The URI of where the event was recorded first.
    package let source: String
    /// Its position there, if the line says so.
    package let position: UInt64?
    /// The event, its stream and its recorded time.
    package var entry: AppendRequest.Entry
}

/// A line that is not an event, and why.
package struct InvalidLine: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

extension CloudEvent {
    /// Reads a line: a CloudEvents 1.0 object with nothing in it that would get lost.
    package init(line: [UInt8]) throws {
        let reader: JSONReader
        do {
            reader = try JSONReader(line)
        } catch {
            throw InvalidLine("\(error)")
        }
        guard let members = reader.root.members else { throw InvalidLine("the line is JSON, but not an object") }
        var fields = Fields()
        for (key, value) in members { try fields.take(key, value) }
        self = try fields.event()
    }

    /// Reads an event that somebody wants to append: its type is enough.
    ///
    /// Attributes that CloudEvents calls extensions become metadata, and so do `source` and `time`, which are the
    /// sender's: what the store says in their place is its own. Its position and revision nobody can choose.
    /// - Parameters:
    ///   - value: the object.
    ///   - stream: the stream of an event that names none.
    ///   - id: the identity of an event that has none.
    package static func posted(
        _ value: JSONReader.Value, to stream: StreamID?, id: @autoclosure () -> EventID
    ) throws -> AppendRequest.Entry {
        guard let members = value.members else { throw InvalidLine("an event is a JSON object") }
        var fields = Fields()
        for (key, value) in members {
            switch key {
            case "position", "revision": throw InvalidLine("\"\(key)\" is given by the store; leave it out")
            case "source", "time": try fields.extend(key, value)
            case _ where Fields.attributes.contains(key): try fields.take(key, value)
            default: try fields.extend(key, value)
            }
        }
        if let given = fields.stream, let stream, !given.hasSameBytes(as: stream.text) {
            throw InvalidLine("\"subject\" is \"\(given)\", and the events are appended to \"\(stream)\"")
        }
        fields.version = fields.version ?? "1.0"
        fields.source = "-"
        fields.stream = fields.stream ?? stream?.text
        fields.id = fields.id ?? id()
        return try fields.event().entry
    }

    /// The attributes of a line as they come.
    private struct Fields {
        static let attributes: Set = [
            "specversion", "id", "type", "subject", "datacontenttype", "tags", "metadata", "data", "data_base64",
        ]

        var version: String?
        var id: EventID?
        var source: String?
        var type: String?
        var stream: String?
        var time: Timestamp?
        var contentType: String?
        var position: UInt64?
        var tags: [Tag] = []
        var metadata = Metadata()
        var data: JSONReader.Value?
        var binary: [UInt8]?

        mutating func take(_ key: String, _ value: JSONReader.Value) throws {
            switch key {
            case "specversion": version = try text(key, value)
            case "id": id = try parse(key, value, "a UUID") { EventID($0) }
            case "source": source = try text(key, value)
            case "type": type = try text(key, value)
            case "subject": stream = try text(key, value)
            case "time": time = try parse(key, value, "a time of RFC 3339 in microseconds") { Timestamp($0) }
            case "datacontenttype": contentType = try text(key, value)
            case "position": position = try number(key, value)
            case "revision": _ = try number(key, value)
            case "tags": tags = try texts(key, value).map { Tag($0) }
            case "metadata": metadata = try entries(key, value).filled(from: metadata)
            case "data": data = value
            case "data_base64": binary = try parse(key, value, "Base64") { Base64.bytes(of: $0) }
            default:
                throw InvalidLine("the attribute \"\(key)\" would get lost; move it into \"metadata\"")
            }
        }

        /// Takes an attribute as metadata.
        mutating func extend(_ key: String, _ value: JSONReader.Value) throws {
            let text = try text(key, value)
            if let known = metadata[key], !known.hasSameBytes(as: text) {
                throw InvalidLine("\"\(key)\" stands twice, as an attribute and in \"metadata\"")
            }
            metadata[key] = text
        }

        func event() throws -> CloudEvent {
            guard let version else { throw InvalidLine("the attribute \"specversion\" is missing") }
            guard version == "1.0" else { throw InvalidLine("\"specversion\" is \"\(version)\", not \"1.0\"") }
            guard let id else { throw InvalidLine("the attribute \"id\" is missing") }
            guard let source, !source.isEmpty else { throw InvalidLine("the attribute \"source\" is missing") }
            guard let type else { throw InvalidLine("the attribute \"type\" is missing") }
            let contentType = contentType.map { ContentType($0) } ?? .json
            let event = EventData(
                id: id, type: EventType(type), tags: tags, metadata: metadata, contentType: contentType,
                payload: try payload(as: contentType))
            let entry = AppendRequest.Entry(stream: stream.map { StreamID($0) }, event: event, recordedAt: time)
            return CloudEvent(source: source, position: position, entry: entry)
        }

        /// JSON stays as it stands in the line; of any other content, a string is the text itself.
        private func payload(as type: ContentType) throws -> [UInt8] {
            guard let data else { return binary ?? [] }
            guard binary == nil else { throw InvalidLine("\"data\" and \"data_base64\" exclude each other") }
            if type.isJSON { return Array(data.raw) }
            return Array(try text("data", data).utf8)
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
}
