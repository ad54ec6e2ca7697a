package import SillokCore
import SillokJSON

// What of an event is written where, in lines of ours, in the forms of the standard, and in the headers of HTTP.
extension RecordedEvent {
    /// The member that holds the payload.
    package enum DataMember: Hashable, Sendable {
        /// `data`, with the payload unchanged.
        case json
        /// `data`, as a string.
        case text(String)
        /// `data_base64`.
        case base64
    }

    /// The member that holds the payload; `nil` if there is none.
    ///
    /// A payload of JSON is written unchanged if it can be read again within one more level. Any other is written in
    /// Base64, unless the event came with a string.
    package func dataForm(_ envelope: CloudEventEnvelope?) -> DataMember? {
        switch envelope?.form {
        case .absent? where payload.isEmpty: return nil
        case .text?: if let text = String(validating: payload, as: UTF8.self) { return .text(text) }
        case .base64?: return .base64
        default: break
        }
        guard contentType.isJSON else { return .base64 }
        if payload.isEmpty { return nil }
        return payload.isJSONMember ? .json : .base64
    }

    /// Whether the content type is written: only if there is a payload and the type was given.
    func showsContentType(_ envelope: CloudEventEnvelope?) -> Bool {
        guard envelope?.hasContentType ?? true else { return false }
        return envelope?.id != nil || !payload.isEmpty || contentType != .json
    }

    /// The attributes of the event, except for those that every event has.
    func givenAttributes(
        _ envelope: CloudEventEnvelope?
    ) -> [(name: String, value: String, type: CloudEventEnvelope.AttributeType)] {
        guard let envelope else { return [] }
        return envelope.attributes.compactMap { name, type in
            guard name != "source", let value = metadata[name] else { return nil }
            return (name, value, type.fits(value) ? type : .string)
        }
    }

    /// The metadata that was not given as attributes.
    func freeMetadata(_ envelope: CloudEventEnvelope?) -> Metadata {
        guard let envelope else { return metadata }
        var free = metadata
        free[CloudEventEnvelope.key] = nil
        for (name, _) in envelope.attributes { free[name] = nil }
        return free
    }
}

extension CloudEventEnvelope.AttributeType {
    /// Whether a text is a value of the type as JSON writes it.
    package func fits(_ text: String) -> Bool {
        switch self {
        case .string: return true
        case .boolean: return text == "true" || text == "false"
        case .integer:
            let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
            guard let first = digits.first, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
            return first != UInt8(ascii: "0") || digits.count == 1
        }
    }
}

extension [UInt8] {
    /// Whether the bytes are JSON that can be read again as a member of an object, within one more level.
    package var isJSONMember: Bool {
        JSONReader.isValue([UInt8(ascii: "[")] + self + [UInt8(ascii: "]")]) && JSONReader.isValue(self)
    }
}

extension String {
    /// Whether CloudEvents takes it as the name of an attribute: lower-case letters and digits.
    package var isAttributeName: Bool {
        !utf8.isEmpty && utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
    }
}

extension ContentType {
    /// Whether CloudEvents reads it as JSON: `application/json`, `text/json`, `application/vnd.a+json; charset=utf-8`.
    package var isJSON: Bool {
        if self == .json { return true }
        let type = text.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        return type.hasSuffix("/json") || type.hasSuffix("+json")
    }
}
