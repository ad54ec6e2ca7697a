import HTTPTypes
import Hummingbird
import NIOCore
import Sillok
import SillokCore
import SillokWire

/// A request on its way through an endpoint: who asks, for what, and with which arguments.
struct Call: Sendable {
    let request: Request
    let operation: Operation
    let principal: Principal
    /// What stands in the path in the place of names in braces.
    let path: [String: String]
    let query: [(name: String, value: String)]
    /// Ends the connection, if there is one.
    let disconnect: (@Sendable () -> Void)?
    let session: Sessions.Session?
    let isSecure: Bool
    private let checked = Lock(false)

    init(
        request: Request, operation: Operation, principal: Principal, path: [String: String],
        query: [(name: String, value: String)], session: Sessions.Session?, isSecure: Bool,
        disconnect: (@Sendable () -> Void)?
    ) {
        self.request = request
        self.operation = operation
        self.principal = principal
        self.path = path
        self.query = query
        self.session = session
        self.isSecure = isSecure
        self.disconnect = disconnect
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
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(text), number < 1 << 63 else {
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
        EventMark(text).flatMap { $0.position.value < 1 << 63 ? $0 : nil }
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

    /// How long to wait for a position that must be there: `Prefer: wait=5`.
    func patienceSeconds() throws -> Int {
        guard let prefer = request.headers[.prefer] else { return 5 }
        guard prefer.hasPrefix("wait="), let seconds = Int(prefer.dropFirst(5)), (0...30).contains(seconds) else {
            throw Problem(400, .malformed, "\"Prefer\" is \"wait=\" and up to 30 seconds")
        }
        return seconds
    }

    func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }

    /// Whether the answer is wanted in a form, and not in the usual one.
    func accepts(_ mediaType: String) -> Bool {
        (request.headers[.accept] ?? "").split(separator: ",").contains { part in
            part.prefix { $0 != ";" }.trimmed.lowercased() == mediaType
        }
    }

    /// The body, which must be JSON.
    func jsonBody(limit: Int) async throws -> [UInt8] {
        let type = (request.headers[.contentType] ?? "").prefix { $0 != ";" }.trimmed.lowercased()
        guard type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json")) else {
            throw Problem(415, .mediaType, "the body must be JSON: Content-Type: application/json")
        }
        let body = request.body
        let buffer = try await withDeadline(.seconds(30), "the body did not come in time") {
            try await body.collect(upTo: limit)
        }
        return Array(buffer.readableBytesView)
    }
}

extension Substring {
    /// Without spaces around it.
    var trimmed: String {
        var rest = drop { $0 == " " }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}

/// Runs `body`, but no longer than a time.
func withDeadline<Result: Sendable>(
    _ time: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: time)
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
        _ bytes: [UInt8], _ type: String, status: Int = 200, headers: HTTPFields = HTTPFields()
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
        return Response(
            status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension HTTPField.Name {
    static let sillokPosition = named("Sillok-Position")
    static let sillokToken = named("Sillok-Token")
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
