import HTTPTypes
import Hummingbird
import SillokAPI
import SillokCore

// The steps from a request to a call of an endpoint: routing, authentication and authorization.
extension WebInterface {
    static let cookieName = "sillok-session"

    /// Finds the endpoint and the caller of a request. Anything that is not declared is denied.
    func admit(
        _ request: Request, _ base: String, _ isSecure: Bool, _ connection: RequestConnection
    ) async throws -> (endpoint: Endpoint, call: Call) {
        try checkHost(request)
        let (path, query) = try parts(of: request, below: base)
        let matches = routes.endpoints(at: path)
        let method = request.method == .head ? .get : request.method
        let match = matches.first { $0.endpoint.method == method }
        let session = try session(of: request, isChange: method != .get)
        let principal: Principal
        if let match, match.endpoint.operation.rule.scope == nil {
            principal = session?.principal ?? Principal("somebody", Grant([]))
        } else {
            principal = try await self.principal(of: request, session)
        }
        guard let (endpoint, values) = match else {
            if matches.isEmpty { throw Problem(404, .notFound, "there is nothing at this path") }
            var problem = Problem(405, .methodNotAllowed, "\(request.method) is not a method of this path")
            var methods = Set(matches.map { $0.endpoint.method.rawValue })
            if methods.contains("GET") { methods.insert("HEAD") }
            problem.headers[.allow] = methods.sorted().joined(separator: ", ")
            throw problem
        }
        try gatekeeper.check(principal, asksFor: endpoint.operation)
        for (name, _) in query where !endpoint.isPage {
            guard endpoint.parameters.contains(where: { $0.place == .query && $0.name == name }) else {
                throw Problem(400, .malformed, "there is no parameter \"\(name)\"")
            }
        }
        let owner = gatekeeper.isOpen ? connection.address ?? principal.name : principal.name
        if endpoint.operation.rule.scope != nil { connection.prove?(owner) }
        let call = Call(
            request: request, operation: endpoint.operation, principal: principal, owner: owner, path: values,
            query: query, session: session, isSecure: isSecure, connection: connection)
        return (endpoint, call)
    }

    /// Returns the components of the path, and the query, both decoded.
    private func parts(
        of request: Request, below base: String
    ) throws -> (path: [String], query: [(name: String, value: String)]) {
        let path = request.uri.path
        guard path.hasPrefix(base), let arguments = queryArguments(request.uri.query ?? "") else {
            throw Problem(400, .malformed, "the query is not well-formed")
        }
        var parts: [String] = []
        for part in path.dropFirst(base.count).split(separator: "/") {
            guard let decoded = percentDecoded(part) else {
                throw Problem(400, .malformed, "the path is not well-formed")
            }
            parts.append(decoded)
        }
        return (parts, arguments)
    }

    /// Protects against DNS rebinding: a foreign page may use its own host name for this machine, which is not served.
    private func checkHost(_ request: Request) throws {
        guard let hosts else { return }
        let host = Self.host(of: request.head.authority ?? "")
        guard hosts.contains(host) else {
            throw Problem(
                421, .forgery, "this server answers on its loopback names only, not as \"\(host)\"")
        }
    }

    private static func host(of authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
        return String(authority.prefix { $0 != ":" }).lowercased()
    }

    /// Returns the session of a request. A change has a session only if it comes from our own page.
    private func session(of request: Request, isChange: Bool) throws -> Sessions.Session? {
        if isChange {
            if let site = request.headers[.fetchSite], site != "same-origin", site != "none" {
                throw Problem(403, .forgery, "requests from other sites may not change data")
            }
            if let origin = request.headers[.origin], !isSame(origin, request.head.authority ?? "") {
                throw Problem(403, .forgery, "requests from other origins may not change data")
            }
        }
        guard let cookie = request.cookies[Self.cookieName]?.value,
            let session = gatekeeper.sessions.session(of: cookie),
            gatekeeper.isValid(session.principal)
        else { return nil }
        if isChange, request.headers[.authorization] == nil {
            let given = Array((request.headers[.sillokGuard] ?? "").utf8)
            guard given.isSame(as: Array(session.guardText.utf8)) else {
                throw Problem(
                    403, .forgery,
                    "a request of a session that changes data needs the guard text of the session in the header "
                        + "Sillok-Guard")
            }
        }
        return session
    }

    private func isSame(_ origin: String, _ authority: String) -> Bool {
        ["http://", "https://"].contains { origin == $0 + authority }
    }

    private func principal(of request: Request, _ session: Sessions.Session?) async throws -> Principal {
        if gatekeeper.isOpen { return gatekeeper.anybody }
        if let header = request.headers[.authorization] {
            guard header.count < 10_000, header.lowercased().hasPrefix("bearer ") else {
                throw Gatekeeper.Refusal.unproved
            }
            return try await gatekeeper.principal(bearing: header.dropFirst(7).trimmed)
        }
        guard let session else { throw Gatekeeper.Refusal.unproved }
        return session.principal
    }

    /// Adds the security headers of every response.
    func secure(_ response: inout Response, _ isSecure: Bool) {
        for (name, value) in Self.securityHeaders where response.headers[name] == nil { response.headers[name] = value }
        if isSecure { response.headers[.strictTransportSecurity] = "max-age=31536000" }
    }

    private static let securityHeaders: [(HTTPField.Name, String)] = [
        (
            .contentSecurityPolicy,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        (.xContentTypeOptions, "nosniff"), (.referrerPolicy, "no-referrer"), (.frameOptions, "DENY"),
        (.openerPolicy, "same-origin"), (.resourcePolicy, "same-origin"),
    ]
}
