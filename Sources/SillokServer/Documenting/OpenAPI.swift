import HTTPTypes
import Sillok
import SillokWire

/// The OpenAPI 3.1 document, generated from the table of endpoints that serves the requests.
enum OpenAPI {
    static let document: [UInt8] = {
        var json = JSONWriter()
        json.beginObject()
        json.field("openapi", "3.1.0")
        json.key("info")
        json.beginObject()
        json.field("title", "Sillok")
        json.field("version", "1")
        json.field("description", "An event store: append under a condition, read by query, follow as it comes.")
        json.endObject()
        json.key("servers")
        json.raw(#"[{"url":"."}]"#.utf8)
        json.key("security")
        json.raw(#"[{"bearer":[]}]"#.utf8)
        json.key("paths")
        write(Endpoint.all.filter { !$0.isPage }, &json)
        json.key("components")
        json.beginObject()
        json.key("securitySchemes")
        json.raw(
            #"{"bearer":{"type":"http","scheme":"bearer","description":"A key (sillok_…) or a JSON Web Token."}}"#.utf8)
        json.key("schemas")
        json.beginObject()
        for (name, schema) in Schemas.all.sorted(by: { $0.key < $1.key }) {
            json.key(name)
            json.raw(schema.utf8)
        }
        json.endObject()
        json.endObject()
        json.endObject()
        return json.bytes
    }()

    private static func write(_ endpoints: [Endpoint], _ json: inout JSONWriter) {
        json.beginObject()
        var routes: [String] = []
        for endpoint in endpoints where !routes.contains(endpoint.route) { routes.append(endpoint.route) }
        for route in routes {
            json.key(route)
            json.beginObject()
            for endpoint in endpoints where endpoint.route == route { write(endpoint, &json) }
            json.endObject()
        }
        json.endObject()
    }

    private static func write(_ endpoint: Endpoint, _ json: inout JSONWriter) {
        json.key(endpoint.method.rawValue.lowercased())
        json.beginObject()
        json.field("operationId", endpoint.operation.rawValue)
        json.field("summary", endpoint.summary)
        json.field("x-sillok-scope", endpoint.operation.rule.scope?.rawValue ?? "none")
        if endpoint.operation.rule.scope == nil {
            json.key("security")
            json.raw("[]".utf8)
        }
        if !endpoint.parameters.isEmpty {
            json.key("parameters")
            json.beginArray()
            for parameter in endpoint.parameters { write(parameter, &json) }
            json.endArray()
        }
        if let body = endpoint.body {
            json.key("requestBody")
            json.beginObject()
            json.field("required", body.isRequired)
            write([body] + endpoint.otherBodies, &json)
            json.endObject()
        }
        json.key("responses")
        json.beginObject()
        for (status, contents) in endpoint.answers.sorted(by: { $0.key < $1.key }) {
            json.key("\(status)")
            json.beginObject()
            json.field("description", status == 304 ? "Not modified." : "Done.")
            if !contents.isEmpty { write(contents, &json) }
            json.endObject()
        }
        for status in endpoint.documentedProblems {
            json.key("\(status)")
            json.beginObject()
            json.field("description", "A problem.")
            write([.init(mediaType: "application/problem+json", schema: "Problem")], &json)
            json.endObject()
        }
        json.endObject()
        json.endObject()
    }

    private static func write(_ parameter: Endpoint.Parameter, _ json: inout JSONWriter) {
        json.beginObject()
        json.field("name", parameter.name)
        json.field("in", parameter.place.rawValue)
        if parameter.place == .path { json.field("required", true) }
        json.field("description", parameter.summary)
        json.key("schema")
        json.raw(parameter.schema.utf8)
        json.endObject()
    }

    private static func write(_ contents: [Endpoint.Content], _ json: inout JSONWriter) {
        json.key("content")
        json.beginObject()
        for content in contents {
            json.key(content.mediaType)
            json.beginObject()
            json.key("schema")
            json.beginObject()
            json.field("$ref", "#/components/schemas/\(content.schema)")
            json.endObject()
            json.endObject()
        }
        json.endObject()
    }
}

extension Endpoint {
    /// The statuses of the problems that the endpoint can answer with, including the general ones.
    var documentedProblems: [Int] {
        var all: Set = Set(problems).union([503])
        if operation.rule.scope != nil { all.formUnion([401, 403]) }
        if method != .get { all.insert(403) }
        if body != nil { all.formUnion([408, 413, 415, 417]) }
        if !parameters.isEmpty || body != nil || operation.rule.scope != nil { all.insert(400) }
        if parameters.contains(where: { $0.place == .path }) { all.insert(404) }
        if parameters.contains(where: { $0.name == "Sillok-At-Least" }) { all.formUnion([409, 412]) }
        return all.sorted()
    }
}
