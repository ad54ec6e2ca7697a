import SillokCore
import SillokGRPC
import SillokUmaDB

/// The data with which a caller proves its identity.
public struct Credentials: Hashable, Sendable {
    /// The value of the `authorization` header, such as `Bearer …`.
    public var authorization: String?

    /// The client certificate in DER, whose private key the caller has proved to own; `nil` without mutual TLS.
    public var certificate: [UInt8]?

    /// The network address of the caller.
    public var address: String?

    /// Creates credentials, by default empty.
    public init(authorization: String? = nil, certificate: [UInt8]? = nil, address: String? = nil) {
        self.authorization = authorization
        self.certificate = certificate
        self.address = address
    }
}

/// The decision whether a caller may execute an operation.
public enum Verdict: Hashable, Sendable {
    /// The caller may execute the operation. The server counts its limits for each principal, by this name.
    case allowed(principal: String)
    /// The caller did not prove its identity, with the reason.
    case unauthenticated(String)
    /// The caller is known and may not execute the operation, with the reason.
    case forbidden(String)
}

/// A function that authorizes every call before the store sees it. Open subscriptions and long reads are authorized
/// again about once a second.
///
/// The operation is a row of the policy table, which both protocols share: see `ServerOperation/rule`.
public typealias Authorizer =
    @Sendable (_ credentials: Credentials, _ operation: ServerOperation, _ resource: Resource) async -> Verdict

/// The authorization of a call.
struct CallAccess: Sendable {
    let authorizer: Authorizer

    /// Authorizes a call and returns the name of the caller.
    ///
    /// - Throws: a `CallRefusal`, unless the caller may do what it asks for; `StoreError` `overloaded` if it has its
    ///   share of the calls under way.
    @discardableResult
    func authorize(_ call: ServerCall, _ operation: ServerOperation, _ resource: Resource) async throws -> String {
        let caller = call.caller
        let credentials = Credentials(
            authorization: caller.authorization, certificate: caller.certificate, address: caller.address)
        switch await authorizer(credentials, operation, resource) {
        case .allowed(let principal):
            try call.count(for: principal)
            return principal
        case .unauthenticated(let reason): throw CallRefusal.unauthenticated(reason)
        case .forbidden(let reason): throw CallRefusal.forbidden(reason)
        }
    }

    /// Authorizes a call of UmaDB's protocol and returns the name of the caller.
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
    /// The authorizer of gRPC calls, which uses the same keys and tokens as HTTP requests.
    public var authorizer: Authorizer {
        { credentials, operation, resource in
            guard let principal = try? await self.principal(bearing: credentials.bearer) else {
                return .unauthenticated("a key or a token is needed, as authorization: Bearer …")
            }
            if let refusal = operation.refusal(of: principal, on: resource) { return .forbidden(refusal) }
            return .allowed(principal: self.isOpen ? CallerAddress.owner(credentials.address) : principal.name)
        }
    }
}

extension Credentials {
    fileprivate var bearer: String? {
        guard let authorization, authorization.prefix(7).lowercased() == "bearer " else { return nil }
        return authorization.dropFirst(7).trimmed
    }
}
