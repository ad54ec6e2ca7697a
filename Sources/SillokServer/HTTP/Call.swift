import HTTPTypes
import Hummingbird
import NIOCore
import Sillok
import SillokCore
import SillokWire

/// A request on its way through an endpoint: who asks, for what, and with which arguments.
struct Call: Sendable {
    let request: Request
    let operation: ServerOperation
    let principal: Principal
    /// What stands in the path in the place of names in braces.
    let path: [String: String]
    let query: [(name: String, value: String)]
    /// What the connection of the request can do.
    let connection: RequestConnection
    let session: Sessions.Session?
    let isSecure: Bool
    private let checked = Lock(false)

    init(
        request: Request, operation: ServerOperation, principal: Principal, path: [String: String],
        query: [(name: String, value: String)], session: Sessions.Session?, isSecure: Bool,
        connection: RequestConnection
    ) {
        self.request = request
        self.operation = operation
        self.principal = principal
        self.path = path
        self.query = query
        self.session = session
        self.isSecure = isSecure
        self.connection = connection
    }

    /// Whether the streams that were asked for have been held against the grant: an answer without that is not given.
    var isChecked: Bool { checked.withLock { $0 } }

    // MARK: The grant

    func require(_ isReached: Bool) throws {
        checked.withLock { $0 = true }
        guard isReached else {
            throw Gatekeeper.Refusal.forbidden("the grant does not reach everything that was asked for")
        }
    }

    func require(_ query: EventQuery) throws { try require(principal.grant.reaches(query)) }

    func require(_ stream: StreamID) throws { try require(principal.grant.reaches(stream)) }

    /// An event, if there is one and the grant reaches it: whether there is one that it does not reach is not told.
    func require(_ event: RecordedEvent?, _ what: String) throws -> RecordedEvent {
        checked.withLock { $0 = true }
        guard let event, principal.grant.reaches(event.stream) else {
            throw Problem(404, .notFound, "there is no \(what)")
        }
        return event
    }

    /// Says that what is shown is only what the grant reaches.
    func showsOnlyWhatIsReached() { checked.withLock { $0 = true } }

    // MARK: Arguments

    func pathName(_ name: String) -> String { path[name] ?? "" }

    var stream: StreamID { StreamID(pathName("stream")) }

    func text(_ name: String) throws -> String? {
        let values = texts(name)
        guard values.count <= 1 else {
            throw Problem(400, .malformed, "\"\(name)\" stands more than once in the query")
        }
        return values.first
    }

    func texts(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    func number(_ name: String) throws -> UInt64? {
        guard let text = try text(name) else { return nil }
        guard text.isDigits, let number = UInt64(text), number < 1 << 63 else {
            throw Problem(400, .malformed, "\"\(name)\" is not a whole number below 2^63")
        }
        return number
    }

    /// A position, or a token: a position and the id of its event.
    func mark(_ name: String) throws -> EventMark? {
        guard let text = try text(name) else { return nil }
        guard let mark = Self.mark(text) else {
            throw Problem(400, .malformed, "\"\(name)\" is neither a position below 2^63 nor a token")
        }
        return mark
    }

    static func mark(_ text: String) -> EventMark? {
        guard text.prefix(1).isDigits else { return nil }
        return EventMark(text).flatMap { $0.position.value < 1 << 63 ? $0 : nil }
    }

    func limit(atMost most: Int, default usual: Int) throws -> Int {
        guard let number = try number("limit") else { return min(usual, most) }
        guard (1...UInt64(most)).contains(number) else {
            throw Problem(400, .malformed, "\"limit\" is between 1 and \(most)")
        }
        return Int(number)
    }

    func direction() throws -> ReadRequest.Direction {
        guard let text = try text("direction") else { return .forward }
        return try Asking.direction(text)
    }

    func truth(_ name: String) throws -> Bool {
        switch try text(name) {
        case nil, "false": return false
        case "true": return true
        default: throw Problem(400, .malformed, "\"\(name)\" is \"true\" or \"false\"")
        }
    }

    /// A query of one alternative, from the query string.
    func eventQuery() throws -> EventQuery {
        EventQuery([
            EventQuery.Item(
                stream: try text("stream").map { StreamID($0) }, category: try text("category").map { Category($0) },
                types: texts("type").map { EventType($0) }, tags: texts("tag").map { Tag($0) })
        ])
    }

    /// How long to wait for a position that must be there: `Prefer: wait=5`, five seconds unless it is given, at most
    /// thirty. As RFC 7240 says, other preferences and what cannot be understood are ignored, and the first `wait`
    /// counts.
    var patienceSeconds: Int {
        for preference in (request.headers[.prefer] ?? "").split(separator: ",") {
            let parts = preference.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].trimmed.lowercased() == "wait" else { continue }
            let text = parts[1].trimmed.filter { $0 != "\"" }
            return text.isDigits ? min(UInt64(text).map { Int(clamping: $0) } ?? 30, 30) : 5
        }
        return 5
    }

    /// Whether the answer is wanted in a form, and not in the usual one.
    func accepts(_ mediaType: String) -> Bool {
        (request.headers[.accept] ?? "").split(separator: ",").contains { part in
            let parts = part.split(separator: ";").map { $0.trimmed.lowercased() }
            let isRefused = parts.dropFirst().contains {
                $0.hasPrefix("q=0") && !$0.contains { ("1"..."9").contains($0) }
            }
            return parts.first == mediaType && !isRefused
        }
    }

    /// Whether the caller has an answer with this tag already. The comparison is the weak one, as RFC 9110 asks.
    func has(_ tag: String) -> Bool {
        (request.headers[.ifNoneMatch] ?? "").split(separator: ",").contains { part in
            let given = part.trimmed
            return given == "*" || given == tag || given == "W/" + tag
        }
    }

    /// The media type of the body, in lower case and without parameters.
    var bodyType: String { (request.headers[.contentType] ?? "").prefix { $0 != ";" }.trimmed.lowercased() }

    /// The body, which must be JSON.
    func jsonBody(limit: Int) async throws -> [UInt8] {
        let type = bodyType
        guard type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json")) else {
            throw Problem(415, .mediaType, "the body must be JSON: Content-Type: application/json")
        }
        return try await body(limit: limit)
    }

    /// The body of any type. A caller that waits for leave to send it gets it here.
    func body(limit: Int) async throws -> [UInt8] {
        let coding = (request.headers[.contentEncoding] ?? "")[...].trimmed.lowercased()
        guard coding.isEmpty || coding == "identity" else {
            var problem = Problem(415, .mediaType, "the body must not be coded as \(coding): send it uncoded")
            problem.headers[.acceptEncoding] = "identity"
            throw problem
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw Problem(413, .tooLarge, "the body has \(length) bytes; at most \(limit) are allowed")
        }
        if let expectation = request.headers[.expect] {
            guard expectation.lowercased() == "100-continue" else {
                throw Problem(417, .expectation, "the only expectation that is met is 100-continue")
            }
            connection.proceed?()
        }
        let body = request.body
        let buffer = try await withDeadline(.seconds(30), "the body did not come in time") {
            try await body.collect(upTo: limit)
        }
        return Array(buffer.readableBytesView)
    }
}

/// What the connection of a request can do in addition to the answer.
struct RequestConnection: Sendable {
    /// Ends the connection.
    var disconnect: (@Sendable () -> Void)?
    /// Lets a caller that asked for it send the body: `100 Continue`.
    var proceed: (@Sendable () -> Void)?
}

extension StringProtocol {
    /// Whether it is one or more of the ten digits, and nothing else.
    var isDigits: Bool { !isEmpty && utf8.allSatisfy { (0x30...0x39).contains($0) } }
}

extension Substring {
    /// Without spaces and tabs around it.
    var trimmed: String {
        var rest = drop { $0 == " " || $0 == "\t" }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return String(rest)
    }
}

/// Runs `body`, but no longer than a time.
func withDeadline<Result: Sendable>(
    _ time: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withDeadline(time, what, pause: WebInterface.sleep, body)
}

/// Runs `body`, but no longer than `pause` waits when it is asked for a time.
func withDeadline<Result: Sendable>(
    _ time: Duration, _ what: String, pause: @escaping WebInterface.Pause,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await pause(time)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else {
            throw Problem(408, .unavailable, "\(what) (\(time))")
        }
        return result
    }
}

extension Response {
    /// JSON that is not to be kept.
    static func json(_ json: JSONWriter, status: Int = 200, headers: HTTPFields = HTTPFields()) -> Response {
        bytes(json.bytes, "application/json", status: status, headers: headers)
    }

    static func bytes(
        _ bytes: [UInt8], _ type: String?, status: Int = 200, headers: HTTPFields = HTTPFields()
    ) -> Response {
        var headers = headers
        if let type { headers[.contentType] = type }
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
        return Response(
            status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension HTTPField.Name {
    static let sillokPosition = named("Sillok-Position")
    static let sillokToken = named("Sillok-Token")
    static let sillokThrough = named("Sillok-Through")
    static let sillokStore = named("Sillok-Store")
    static let sillokAtLeast = named("Sillok-At-Least")
    static let sillokGuard = named("Sillok-Guard")
    static let idempotencyKey = named("Idempotency-Key")
    static let lastEventID = named("Last-Event-ID")
    static let traceparent = named("traceparent")
    static let prefer = named("Prefer")
    static let fetchSite = named("Sec-Fetch-Site")
    static let referrerPolicy = named("Referrer-Policy")
    static let frameOptions = named("X-Frame-Options")
    static let openerPolicy = named("Cross-Origin-Opener-Policy")
    static let resourcePolicy = named("Cross-Origin-Resource-Policy")

    /// A name that is known to be one.
    private static func named(_ text: String) -> Self { Self(text) ?? .from }
}
