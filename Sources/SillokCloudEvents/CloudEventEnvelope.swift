package import SillokCore
import SillokJSON

/// What an event remembers of how it came as a CloudEvent, so that it is answered as it was given.
///
/// It is kept in the metadata of the event under ``key``, as JSON. The values of attributes are metadata under their
/// own names, where applications find them. The envelope says which keys were attributes, and of which type:
/// ```json
/// {"id":"A234-1234-1234","attributes":{"comexampleothervalue":"integer","source":"string"},"data":"text"}
/// ```
package struct CloudEventEnvelope: Hashable, Sendable {
    /// The key of the metadata.
    package static let key = Metadata.Key.cloudEvent

    /// The types of attributes that JSON distinguishes. URIs, times and bytes are strings.
    package enum AttributeType: String, Sendable {
        case string, integer, boolean
    }

    /// How the payload came, where the payload and its content type do not say it.
    package enum DataForm: String, Sendable {
        /// There was no data, which differs from data without a byte.
        case absent
        /// As a string, though the content type is not JSON.
        case text
        /// In Base64, though it can be written as JSON.
        case base64
    }

    /// The `id`, as given; `nil` if the event has no identity but that of the store.
    package var id: String?

    /// The names of attributes in the order of their bytes, with their types.
    package var attributes: [(name: String, type: AttributeType)] = []

    /// How the payload came.
    package var form: DataForm?

    /// Whether the content type was given.
    package var hasContentType = true

    /// Nothing to remember.
    package init() {}

    /// Whether there is nothing to remember.
    package var isEmpty: Bool { id == nil && attributes.isEmpty && form == nil && hasContentType }

    /// The text that is kept.
    package var text: String {
        var json = JSONWriter()
        json.beginObject()
        if let id {
            json.key("id")
            json.string(id)
        }
        if !attributes.isEmpty {
            json.key("attributes")
            json.beginObject()
            for (name, type) in attributes {
                json.key(name)
                json.string(type.rawValue)
            }
            json.endObject()
        }
        if let form {
            json.key("data")
            json.string(form.rawValue)
        }
        if !hasContentType {
            json.key("datacontenttype")
            json.bool(false)
        }
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// Reads an envelope; `nil` for a text that is none.
    package init?(text: String) {
        guard let members = (try? JSONReader(Array(text.utf8)))?.root.members else { return nil }
        for (key, value) in members {
            switch key {
            case "id":
                guard let id = value.string else { return nil }
                self.id = id
            case "attributes":
                guard let members = value.members else { return nil }
                for (name, value) in members {
                    guard let type = value.string.flatMap({ AttributeType(rawValue: $0) }) else { return nil }
                    attributes.append((name, type))
                }
            case "data":
                guard let form = value.string.flatMap({ DataForm(rawValue: $0) }) else { return nil }
                self.form = form
            case "datacontenttype": hasContentType = false
            default: return nil
            }
        }
    }

    /// The envelope of an event; `nil` if it has none, or one of another event: that is metadata as any other.
    package init?(of event: EventData) {
        guard let text = event.metadata[Self.key], let envelope = CloudEventEnvelope(text: text) else { return nil }
        if let id = envelope.id {
            guard let source = event.metadata["source"],
                CloudEventIdentity(source: source, id: id).eventID == event.id
            else { return nil }
        }
        self = envelope
    }

    /// Whether two envelopes say the same.
    package static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }

    /// Hashes what it says.
    package func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}
