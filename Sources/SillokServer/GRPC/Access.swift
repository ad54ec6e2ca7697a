public import SillokCore
import SillokGRPC
import SillokUmaDB

/// What a caller brings to show who it is.
public struct Credentials: Hashable, Sendable {
    /// The value of the `authorization` header, such as `Bearer …`.
    public var authorization: String?

    /// The certificate that the caller proved to own, in DER; `nil` without mutual TLS.
    public var certificate: [UInt8]?

    /// The address that the caller speaks from.
    public var address: String?

    /// Credentials with all of their parts.
    public init(authorization: String? = nil, certificate: [UInt8]? = nil, address: String? = nil) {
        self.authorization = authorization
        self.certificate = certificate
        self.address = address
    }
}

/// What something is done to, so that a key can be held to some streams.
public enum Resource: Hashable, Sendable {
    /// The store as a whole: its head, its identity, what it tracks, an event by its id.
    case store
    /// The events of a query.
    case query(EventQuery)
    /// The streams of a category, or of all.
    case streams(Category?)
    /// The events to record, and where they go.
    case append(AppendRequest)
}

/// Whether a caller may do what it asks for.
public enum Verdict: Hashable, Sendable {
    /// It may. Limits count by the name of the principal.
    case allowed(principal: String)
    /// It did not show who it is, and why that is so.
    case unauthenticated(String)
    /// It is known and may not, and why that is so.
    case forbidden(String)
}

/// Judges every call before the store sees it, and what is open (subscriptions, long reads) again about once a second.
///
/// The operation is a row of the policy table, the same for both protocols: see ``ServerOperation/rule``.
public typealias Authorizer =
    @Sendable (_ credentials: Credentials, _ operation: ServerOperation, _ resource: Resource) async -> Verdict

/// Asks the authorizer about a call.
struct CallAccess: Sendable {
    let authorizer: Authorizer

    /// Returns the name of the caller.
    ///
    /// - Throws: a `CallRefusal`, unless the caller may do what it asks for.
    @discardableResult
    func authorize(_ call: ServerCall, _ operation: ServerOperation, _ resource: Resource) async throws -> String {
        let caller = call.caller
        let credentials = Credentials(
            authorization: caller.authorization, certificate: caller.certificate, address: caller.address)
        switch await authorizer(credentials, operation, resource) {
        case .allowed(let principal): return principal
        case .unauthenticated(let reason): throw CallRefusal.unauthenticated(reason)
        case .forbidden(let reason): throw CallRefusal.forbidden(reason)
        }
    }

    /// The same for calls of UmaDB's protocol.
    func authorize(_ call: ServerCall, _ access: UmaDBService.Access) async throws -> String {
        switch access {
        case .store: try await authorize(call, .head, .store)
        case .read(let query): try await authorize(call, .readEvents, .query(query))
        case .subscribe(let query): try await authorize(call, .subscribe, .query(query))
        case .append(let request): try await authorize(call, .appendEvents, .append(request))
        }
    }
}

extension Gatekeeper {
    /// Judges calls over gRPC by the same keys and tokens as requests over HTTP.
    public var authorizer: Authorizer {
        { credentials, operation, resource in
            guard let principal = try? await self.principal(bearing: credentials.bearer) else {
                return .unauthenticated("a key or a token is needed, as authorization: Bearer …")
            }
            if let refusal = operation.refusal(of: principal, on: resource) { return .forbidden(refusal) }
            return .allowed(principal: principal.name)
        }
    }
}

extension Credentials {
    fileprivate var bearer: String? {
        guard let authorization, authorization.prefix(7).lowercased() == "bearer " else { return nil }
        return authorization.dropFirst(7).trimmed
    }
}
