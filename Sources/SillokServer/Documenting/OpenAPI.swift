import HTTPTypes
import SillokAPI
import SillokJSON

/// The OpenAPI 3.1 document, generated from the table of endpoints that serves the requests. The schemas are those of
/// the types that the endpoints take and answer.
struct OpenAPI {
    static let document: [UInt8] = OpenAPI(Endpoint.all).value.bytes

    private(set) var components = SchemaComponents()
    private var paths = JSONObject()

    init(_ endpoints: [Endpoint]) {
        for endpoint in endpoints where !endpoint.isPage {
            var methods = paths[endpoint.route]?.object ?? [:]
            methods[endpoint.method.rawValue.lowercased()] = described(endpoint)
            paths[endpoint.route] = .object(methods)
        }
    }

    /// The document.
    var value: JSONValue {
        let schemas = components.schemas.sorted { $0.key < $1.key }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Sillok", "version": "1",
                "description":
                    "An event store: append events under a condition, read them by query, subscribe to new ones.",
            ],
            "servers": [["url": "."]], "security": [["bearer": []]], "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "bearer": [
                        "type": "http", "scheme": "bearer", "description": "A key (sillok_…) or a JSON Web Token.",
                    ]
                ],
                "schemas": .object(JSONObject(schemas.map { ($0.key, $0.value) })),
            ],
        ]
    }

    private mutating func described(_ endpoint: Endpoint) -> JSONValue {
        let (scope, inputs) = (endpoint.operation.rule.scope, endpoint.handler.inputs)
        return [
            "operationId": .string(endpoint.operation.rawValue), "summary": .string(endpoint.summary),
            "x-sillok-scope": .string(scope?.rawValue ?? "none"), "security": scope == nil ? [] : nil,
            "parameters": endpoint.parameters.isEmpty ? nil : .array(endpoint.parameters.map(described)),
            "requestBody": inputs.isEmpty ? nil : ["required": true, "content": described(inputs)],
            "responses": .object(responses(endpoint)),
        ]
    }

    private mutating func responses(_ endpoint: Endpoint) -> JSONObject {
        var responses = JSONObject()
        for (status, contents) in endpoint.handler.answers.sorted(by: { $0.key < $1.key }) {
            let content: JSONValue? = contents.isEmpty ? .none : described(contents)
            responses["\(status)"] = [
                "description": status == 304 ? "Not modified." : "Done.", "content": content,
            ]
        }
        let problem = Handler.Content(mediaType: "application/problem+json", type: API.Problem.self)
        for status in endpoint.documentedProblems {
            responses["\(status)"] = ["description": "A problem.", "content": described([problem])]
        }
        return responses
    }

    private func described(_ parameter: Endpoint.Parameter) -> JSONValue {
        [
            "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
            "required": parameter.place == .path ? true : nil, "description": .string(parameter.summary),
            "schema": parameter.schema,
        ]
    }

    private mutating func described(_ contents: [Handler.Content]) -> JSONValue {
        var value = JSONObject()
        for content in contents {
            value[content.mediaType] = ["schema": content.type.schema(in: &components)]
        }
        return .object(value)
    }
}
