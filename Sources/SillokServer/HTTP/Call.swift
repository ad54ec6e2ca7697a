import HTTPTypes
import Hummingbird
import NIOCore
import Sillok
import SillokAPI
import SillokCore

/// A call of an endpoint: the caller, the operation and the arguments.
struct Call: Sendable {
    let request: Request
    let operation: ServerOperation
    let principal: Principal
    /// Who the request is counted for: the principal, or an address where no proof is asked for.
    let owner: String
    /// The values in the path for the names in braces.
    let path: [String: String]
    let query: [(name: String, value: String)]
    let session: Sessions.Session?
    let isSecure: Bool
    /// The actions on the request's connection.
    let connection: RequestConnection
    private let place = Lock<Admission.Place?>(nil)

    // MARK: The place among the requests

    /// Keeps a place until the answer is made, or until the writer of a long answer gives it back.
    func hold(_ place: Admission.Place) { self.place.withLock { $0 = place } }

    /// Takes the place, to be given up when a long answer is written.
    func takePlace() -> Admission.Place? { place.take() }

    // MARK: Arguments

    func pathName(_ name: String) -> String { path[name] ?? "" }

    var stream: StreamID { StreamID(pathName("stream")) }

    func text(_ name: String) throws -> String? {
        let values = texts(name)
        guard values.count <= 1 else {
            throw Problem(400, .malformed, "\"\(name)\" occurs more than once in the query")
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

    /// Returns a position, or a token of a position and the id of its event.
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
            throw Problem(400, .malformed, "\"limit\" must be between 1 and \(most)")
        }
        return Int(number)
    }

    func direction() throws -> ReadRequest.Direction {
        guard let text = try text("direction") else { return .forward }
        guard let direction = API.Direction(rawValue: text) else {
            throw Problem(400, .malformed, "\"direction\" must be \"forward\" or \"backward\"")
        }
        return direction.direction
    }

    /// Returns a query of one alternative from the query string.
    func eventQuery() throws -> EventQuery {
        EventQuery([
            EventQuery.Item(
                stream: try text("stream").map { StreamID($0) },
                category: try text("category").map { StreamCategory($0) },
                types: texts("type").map { EventType($0) }, tags: texts("tag").map { EventTag($0) })
        ])
    }

    /// The time to wait for a required position: `Prefer: wait=5`. The default is five seconds, the maximum thirty. As
    /// RFC 7240 requires, other preferences and invalid ones are ignored, and the first `wait` counts.
    var waitSeconds: Int {
        for preference in (request.headers[.prefer] ?? "").split(separator: ",") {
            let parts = preference.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].trimmed.lowercased() == "wait" else { continue }
            let text = parts[1].trimmed.filter { $0 != "\"" }
            return text.isDigits ? min(UInt64(text).map { Int(clamping: $0) } ?? 30, 30) : 5
        }
        return 5
    }

    /// Returns whether the caller asks for a media type instead of the default one.
    func accepts(_ mediaType: String) -> Bool {
        (request.headers[.accept] ?? "").split(separator: ",").contains { part in
            let parts = part.split(separator: ";").map { $0.trimmed.lowercased() }
            let isRefused = parts.dropFirst().contains {
                $0.hasPrefix("q=0") && !$0.contains { ("1"..."9").contains($0) }
            }
            return parts.first == mediaType && !isRefused
        }
    }

    /// Returns whether the caller has an answer with this entity tag. The comparison is weak, as in RFC 9110.
    func has(_ tag: String) -> Bool {
        (request.headers[.ifNoneMatch] ?? "").split(separator: ",").contains { part in
            let given = part.trimmed
            return given == "*" || given == tag || given == "W/" + tag
        }
    }

    /// The media type of the body, in lower case and without parameters.
    var bodyType: String { (request.headers[.contentType] ?? "").prefix { $0 != ";" }.trimmed.lowercased() }

    /// Reads the body, which must be JSON.
    func jsonBody(limit: Int) async throws -> [UInt8] {
        let type = bodyType
        guard type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json")) else {
            throw Problem(415, .mediaType, "the body must be JSON: Content-Type: application/json")
        }
        return try await body(limit: limit)
    }

    /// Reads a body of any type. Sends `100 Continue` to a caller that waits for it.
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
                throw Problem(417, .expectation, "the only supported expectation is 100-continue")
            }
            connection.proceed?()
        }
        let body = request.body
        let buffer = try await withDeadline(.seconds(30), "the body was not received within 30 seconds") {
            try await body.collect(upTo: limit)
        }
        return Array(buffer.readableBytesView)
    }
}

/// The actions on the connection of a request, in addition to the response.
struct RequestConnection: Sendable {
    /// Ends the connection.
    var disconnect: (@Sendable () -> Void)?
    /// The address of the caller, in words.
    var address: String?
    /// Told the owner of the connection when a request has proved it.
    var prove: (@Sendable (String) -> Void)?
    /// Lets a caller that asked for it send the body: `100 Continue`.
    var proceed: (@Sendable () -> Void)?
}

extension StringProtocol {
    /// Whether the text consists of one or more decimal digits.
    var isDigits: Bool { !isEmpty && utf8.allSatisfy { (0x30...0x39).contains($0) } }
}

extension Substring {
    /// The text without leading and trailing spaces and tabs.
    var trimmed: String {
        var rest = drop { $0 == " " || $0 == "\t" }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return String(rest)
    }
}

/// Runs `body` with a timeout.
func withDeadline<Result: Sendable>(
    _ time: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withDeadline(time, what, pause: WebInterface.sleep, body)
}

/// Runs `body` with a timeout, which `pause` measures.
func withDeadline<Result: Sendable>(
    _ time: Duration, _ what: String, pause: @escaping WebInterface.Pause,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let result: Result? = try await firstResult {
        try await body()
    } or: {
        try await pause(time)
        return nil
    }
    guard let result else { throw Problem(408, .unavailable, "\(what) (\(time))") }
    return result
}

extension Response {
    /// Returns a response that must not be cached, unless a header says otherwise.
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
    static let sillokLagEvents = named("Sillok-Lag-Events")
    static let sillokLagSeconds = named("Sillok-Lag-Seconds")
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

    /// A name that is known to be one: each of the above is made by a test.
    private static func named(_ text: String) -> Self {
        guard let name = Self(text) else { preconditionFailure("\"\(text)\" is no name of a header") }
        return name
    }
}
