import HTTPTypes
import Hummingbird
import NIOCore
import Sillok
import SillokAPI
import SillokCloudEvents
import SillokCore
import SillokJSON
import SillokProcessOperations
import SillokReadSide
import SillokWebhookOperations

/// The reason why a request failed, in the form of RFC 9457: `application/problem+json`.
struct Problem: Error {
    /// The kinds of problems, for code that reacts to them. The raw value is the end of the problem's `type`.
    enum Kind: String, CaseIterable {
        case malformed, invalid, unauthenticated, forbidden, conflict, refused, behind, overloaded, unavailable, full
        case damaged, unexpected
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        case notAcceptable = "not-acceptable"
        case preconditionFailed = "precondition-failed"
        case tooLarge = "too-large"
        case mediaType = "media-type"
        case tooMany = "too-many"
        case notConfigured = "not-configured"
        case eventIDConflict = "event-id-conflict"
        case trackingConflict = "tracking-conflict"
        case storeChanged = "store-changed"
        case tooExpensive = "too-expensive"
        case forgery, expectation
    }

    let status: Int
    let kind: Kind
    let detail: String
    /// The name of the limit that was met, if it is one of the server's.
    var limit: String?
    /// Whether the request may have taken effect.
    var outcome: StoreError.Outcome = .definite
    var headers = HTTPFields()
    /// Sets further members of the answer.
    var members: @Sendable (inout API.Problem) -> Void

    init(
        _ status: Int, _ kind: Kind, _ detail: String,
        members: @escaping @Sendable (inout API.Problem) -> Void = { _ in }
    ) {
        self.status = status
        self.kind = kind
        self.detail = detail
        self.members = members
    }

    /// Returns the problem with a retry delay.
    func retrying(afterSeconds seconds: Int) -> Problem {
        var problem = self
        problem.headers[.retryAfter] = "\(seconds)"
        return problem
    }

    /// The fields and the body of the answer that says it.
    var content: (fields: HTTPFields, body: [UInt8]) {
        var answer = API.Problem(
            type: "urn:sillok:problem:\(kind.rawValue)", title: kind.rawValue.replacing("-", with: " "), status: status,
            detail: detail, limit: limit, outcome: outcome == .unknown ? "unknown" : nil)
        members(&answer)
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        return (headers, (try? PlainCoding.bytes(of: answer)) ?? Array("{}".utf8))
    }

    /// The answer that says it.
    var response: Response {
        let (fields, body) = content
        return Response(
            status: .init(code: status), headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

extension Problem: CustomStringConvertible {
    /// What happened, for logs.
    var description: String { "\(kind.rawValue): \(detail)" }
}

extension Problem {
    /// Converts any error to a problem.
    init(_ error: any Error, showsEvents: Bool) {
        if let error = AppendError(known: error) {
            self.init(error, showsEvents: showsEvents)
            return
        }
        switch error {
        case let problem as Problem: self = problem
        case let error as InvalidLine: self.init(400, .malformed, "\(error)")
        case let refusal as ProjectionRefusal: self.init(409, .refused, "\(refusal)")
        case let refusal as ProcessRefusal:
            self =
                refusal.isMissing
                ? Problem(404, .notFound, "\(refusal)") : Problem(409, .refused, "\(refusal)")
        case let refusal as WebhookRefusal:
            self = refusal.isMissing ? Problem(404, .notFound, "\(refusal)") : Problem(409, .refused, "\(refusal)")
        case let refusal as Gatekeeper.Refusal: self.init(refusal)
        case let error as HTTPError where error.status.code == 413:
            self.init(413, .tooLarge, "the body of the request is larger than the limits allow")
        case is NIOTooManyBytesError:
            self.init(413, .tooLarge, "the body of the request is larger than the limits allow")
        case is CancellationError:
            self.init(503, .unavailable, "the server is shutting down")
            outcome = .unknown
        default: self.init(500, .unexpected, "an unexpected error occurred; see the log of the server")
        }
    }

    /// Says what an error of the store means, of an append or a read.
    init(_ error: AppendError, showsEvents: Bool) {
        switch error {
        case .invalid(let error): self.init(error)
        case .conflict(let conflict): self.init(conflict, showsEvents: showsEvents)
        case .knownID(let conflict):
            self.init(409, .eventIDConflict, "\(conflict)")
            members = { $0.id = conflict.id }
        case .tracking(let conflict):
            self.init(409, .trackingConflict, "\(conflict)")
            members = { $0.recorded = conflict.recorded }
        case .refused(let refusal): self.init(422, .refused, "\(refusal)")
        case .failed(let failure): self.init(failure)
        }
    }

    private init(_ refusal: Gatekeeper.Refusal) {
        switch refusal {
        case .unproved:
            self.init(401, .unauthenticated, "a valid key or token is needed: Authorization: Bearer …")
            headers[.wwwAuthenticate] = "Bearer realm=\"sillok\""
        case .forbidden(let why): self.init(403, .forbidden, why)
        }
    }

    private init(_ error: InvalidRequest) {
        switch error.reason {
        case .overLimit(.batchBytes, _, _), .overLimit(.payloadBytes, _, _): self.init(413, .tooLarge, "\(error)")
        default: self.init(422, .invalid, "\(error)")
        }
        if let index = error.index { members = { $0.index = index } }
    }

    private init(_ conflict: AppendConflict, showsEvents: Bool) {
        self.init(409, .conflict, "\(conflict)")
        members = { answer in
            answer.head = conflict.head
            answer.streams = Members(
                conflict.streams.sorted { $0.key < $1.key }.map {
                    ($0.key.text, API.Mismatch(expected: $0.value.expected, actual: $0.value.actual))
                })
            answer.positions = showsEvents ? conflict.events.map(\.position) : []
        }
    }

    private init(_ error: StoreError) {
        switch error.code {
        case .full: self.init(507, .full, "\(error)")
        case .storeChanged: self.init(409, .storeChanged, "\(error)")
        case .corrupt, .unsupportedFormat: self.init(500, .damaged, "\(error)")
        case .readOnly: self.init(409, .refused, "\(error)")
        case .refused: self.init(422, .refused, "\(error)")
        case .tooExpensive: self.init(422, .tooExpensive, "\(error)")
        case .overloaded:
            let milliseconds = (error.retryAfter ?? .seconds(1)).wholeMilliseconds
            self = Problem(503, .overloaded, "\(error)")
                .retrying(afterSeconds: max(1, Int(clamping: milliseconds / 1000 + (milliseconds % 1000 > 0 ? 1 : 0))))
        case .locked, .notFound, .ioFailure, .invalidQuery, .cancelled, .closed, .unavailable, .accessDenied,
            .fileReplaced:
            self = Problem(503, .unavailable, "\(error)").retrying(afterSeconds: 1)
        }
        outcome = error.outcome
    }
}
