import HTTPTypes
import Hummingbird
import Sillok
import SillokAPI
import SillokCloudEvents
import SillokCore
import SillokJSON

// The three modes of CloudEvents over HTTP, for requests and responses: structured, batch and binary.
extension Call {
    /// Returns the events of the body, in one of our forms or of the standard's.
    func posted(
        limit: Int, to stream: StreamID?, id: (Int) -> EventID
    ) async throws -> Asking.Append {
        let type = bodyType
        if type.hasPrefix("application/cloudevents") {
            let form: Asking.Form? =
                switch type {
                case "application/cloudevents+json", "application/cloudevents": .event
                case "application/cloudevents-batch+json": .batch
                default: nil
                }
            guard let form else {
                throw Problem(415, .mediaType, "the server supports only the JSON format of CloudEvents, not \(type)")
            }
            return try Asking.append(try await body(limit: limit), as: form, to: stream, id: id)
        }
        if let headers = try binaryHeaders() {
            let contentType = request.headers[.contentType].flatMap { $0.isEmpty ? nil : $0 }
            let body = try await body(limit: limit)
            return Asking.Append([
                try CloudEvent.posted(headers: headers, contentType: contentType, body: body, to: stream, id: id(0))
            ])
        }
        return try Asking.append(try await jsonBody(limit: limit), to: stream, id: id)
    }

    /// Returns the attributes in the headers of a request in binary mode, without `ce-`; `nil` if it has none.
    private func binaryHeaders() throws -> [(name: String, value: String)]? {
        var attributes: [(name: String, value: String)] = []
        for field in request.headers {
            let name = field.name.canonicalName
            guard name.hasPrefix("ce-") else { continue }
            guard let value = CloudEventHeader.decoded(field.value) else {
                throw Problem(400, .malformed, "\(name) is not percent-encoded UTF-8, as a header must be")
            }
            guard !attributes.contains(where: { $0.name == name.dropFirst(3) }) else {
                throw Problem(400, .malformed, "\(name) is given twice")
            }
            attributes.append((String(name.dropFirst(3)), value))
        }
        return attributes.isEmpty ? nil : attributes
    }
}

extension WebInterface {
    /// Returns one event in the form that the caller asks for.
    ///
    /// An event never changes, so a client that has it need not request it again.
    func immutable(_ event: RecordedEvent, _ call: Call, isBinary: Bool = false) throws -> Response {
        let isStandard = call.accepts(Handler.Content.cloudEvent.mediaType)
        let form = isBinary ? EventForm.binary : isStandard ? .standard : .ours
        let tag = "\"\(storeID)-\(event.position)\(form.suffix)\""
        var headers: HTTPFields = [.eTag: tag, .cacheControl: "private, max-age=31536000, immutable", .vary: "Accept"]
        if call.has(tag) { return Response(status: .notModified, headers: headers) }
        switch form {
        case .ours: return try Answer(API.Event(event, of: storeID), headers: headers).response()
        case .standard:
            return try Answer(API.CloudEvent(event, of: storeID), headers: headers)
                .response(as: Handler.Content.cloudEvent.mediaType + "; charset=utf-8")
        case .binary:
            // The payload can have any type, and must not act on a page as a part of this server.
            headers[.contentSecurityPolicy] = "sandbox; default-src 'none'"
            headers[.contentDisposition] = "attachment"
            for (name, value, _) in CloudEventWriter(store: storeID).standardAttributes(of: event)
            where name != "datacontenttype" {
                guard let name = HTTPField.Name("ce-\(name)") else { continue }
                headers[name] = CloudEventHeader.encoded(value)
            }
            let envelope = CloudEventEnvelope(of: event.data)
            let isTyped = envelope?.hasContentType ?? (event.contentType != .json || !event.payload.isEmpty)
            return .bytes(event.payload, isTyped ? event.contentType.text : nil, headers: headers)
        }
    }
}

/// The forms of an event in a response.
enum EventForm {
    /// The form of lines in reads and exports.
    case ours
    /// `application/cloudevents+json`.
    case standard
    /// Attributes in headers, the payload as the body.
    case binary

    /// The end of the entity tag, which differs for each form.
    var suffix: String {
        switch self {
        case .ours: ""
        case .standard: "-structured"
        case .binary: "-binary"
        }
    }
}
