import HTTPTypes
import Hummingbird
import SillokAPI
import SillokJSON

/// An endpoint of the HTTP API: its route, its operation in the policy table, its documentation, and its handler. All
/// are in one place, so that none can be missing.
struct Endpoint: Sendable {
    /// An argument in the path, the query or the header of a request.
    struct Parameter: Sendable {
        enum Place: String { case path, query, header }

        let name: String
        let place: Place
        let summary: String
        /// The JSON schema of its value.
        let schema: JSONValue
    }

    let method: HTTPRequest.Method
    /// The route, with names in braces: `/v1/streams/{stream}/events`.
    let route: String
    let operation: ServerOperation
    let summary: String
    let parameters: [Parameter]
    /// The statuses of problems in addition to those that every such request can have.
    let problems: [Int]
    /// Whether it is left out of the documentation, as pages and their parts are.
    let isPage: Bool
    let handler: Handler

    init(
        _ method: HTTPRequest.Method, _ route: String, _ operation: ServerOperation, _ summary: String,
        parameters: [Parameter] = [], problems: [Int] = [], isPage: Bool = false, _ handler: Handler
    ) {
        self.method = method
        self.route = route
        self.operation = operation
        self.summary = summary
        self.parameters = parameters
        self.problems = problems
        self.isPage = isPage
        self.handler = handler
    }

    /// The components of the route.
    var segments: [Substring] { route.split(separator: "/") }

    /// The statuses of the problems that the endpoint can answer with, including the general ones.
    var documentedProblems: [Int] {
        var all: Set = Set(problems).union([503])
        if operation.rule.scope != nil { all.formUnion([401, 403]) }
        if method != .get { all.insert(403) }
        if !handler.inputs.isEmpty { all.formUnion([408, 413, 415, 417]) }
        if !parameters.isEmpty || !handler.inputs.isEmpty || operation.rule.scope != nil { all.insert(400) }
        if parameters.contains(where: { $0.place == .path }) { all.insert(404) }
        if parameters.contains(where: { $0.name == "Sillok-At-Least" }) { all.formUnion([409, 412]) }
        return all.sorted()
    }
}

/// The endpoints by path. Routes are split once.
struct Routes: Sendable {
    private let entries: [(segments: [Substring], endpoint: Endpoint)]

    init(_ endpoints: [Endpoint]) { entries = endpoints.map { ($0.segments, $0) } }

    /// Returns the endpoints at a path, for any method, with the values of the names in braces.
    func endpoints(at path: [String]) -> [(endpoint: Endpoint, values: [String: String])] {
        entries.compactMap { entry in
            guard entry.segments.count == path.count else { return nil }
            var values: [String: String] = [:]
            for (segment, part) in zip(entry.segments, path) {
                if segment.first == "{" {
                    values[String(segment.dropFirst().dropLast())] = part
                } else if segment != part {
                    return nil
                }
            }
            return (entry.endpoint, values)
        }
    }
}

extension Endpoint.Parameter {
    static func path(_ name: String, _ summary: String, _ schema: JSONValue = ["type": "string"]) -> Self {
        Self(name: name, place: .path, summary: summary, schema: schema)
    }

    static func query(_ name: String, _ summary: String, _ schema: JSONValue = ["type": "string"]) -> Self {
        Self(name: name, place: .query, summary: summary, schema: schema)
    }

    static func list(_ name: String, _ summary: String) -> Self {
        query(
            name, summary,
            ["type": "array", "items": ["type": "string", "minLength": 1, "maxLength": 256], "maxItems": 64])
    }

    static func header(_ name: String, _ summary: String, _ schema: JSONValue) -> Self {
        Self(name: name, place: .header, summary: summary, schema: schema)
    }

    /// A position, or a token of a position and the id of its event.
    static let mark: JSONValue = ["type": "string", "pattern": .string(API.Mark.pattern)]
    static let position = PlaceNumber.form
    static let name: JSONValue = ["type": "string", "minLength": 1, "maxLength": 512]
    static let time: JSONValue = ["type": "string", "format": "date-time"]
    static let stream = path("stream", "The stream, percent-encoded.", name)
    static let after = query("after", "Only after this position.", position)
    static let afterMark = query(
        "after", "Only after this position. A token is refused when the log does not have its event.", mark)
    static let before = query("before", "Only before this position.", position)
    static let direction = query("direction", "The order.", ["type": "string", "enum": ["forward", "backward"]])
    static let limit = query(
        "limit", "The maximum number of entries.", ["type": "integer", "minimum": 1, "maximum": 1000])
    static let filters = [
        query("stream", "Only of this stream.", name), query("category", "Only of streams of this category.", name),
        list("type", "Only events of this type. Repeat the parameter to allow several types."),
        list("tag", "Only events with this tag. Repeat the parameter to require several tags."),
    ]
    static let atLeast = [
        header(
            "Sillok-At-Least",
            "A position or token to wait for. A token is refused when the log has another event at its position.",
            mark),
        header(
            "Prefer", "How many seconds to wait for it, 30 at most, such as `wait=5`. Other preferences are ignored.",
            ["type": "string"]),
    ]
}
