import HTTPTypes
import Hummingbird
import SillokAPI
import SillokAccess
import SillokCore

extension Endpoint {
    /// The endpoints for signing in on a page. A key or a token is sent once, and a cookie replaces it from then on.
    static let sessions: [Endpoint] = [
        Endpoint(
            .get, "/v1/session", .session, "Who is signed in, and what they may do.",
            .value { interface, call in interface.describe(call.session) }),
        Endpoint(
            .post, "/v1/session", .signIn, "Sign in with a key or a token.", problems: [401],
            .value(of: API.SignIn.self, limit: 16 << 10) { try await $0.signIn($1, $2) }),
        Endpoint(
            .delete, "/v1/session", .signOut, "Sign out.",
            .value { interface, call in
                if let cookie = call.request.cookies[cookieName]?.value { interface.gatekeeper.sessions.end(cookie) }
                var answer = interface.describe(nil)
                answer.headers[.setCookie] = "\(cookieName)=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
                return answer
            }),
    ]

    private static let cookieName = WebInterface.cookieName
}

extension WebInterface {
    fileprivate func signIn(_ call: Call, _ input: API.SignIn) async throws -> Answer<API.Session> {
        let principal = try await gatekeeper.principal(bearing: input.token)
        let (cookie, session) = gatekeeper.sessions.begin(principal)
        var answer = describe(session)
        let attributes = "Path=/; Max-Age=\(Sessions.lifetimeSeconds); HttpOnly; SameSite=Strict"
        answer.headers[.setCookie] = "\(Self.cookieName)=\(cookie); \(attributes)\(call.isSecure ? "; Secure" : "")"
        return answer
    }

    fileprivate func describe(_ session: Sessions.Session?) -> Answer<API.Session> {
        let principal = gatekeeper.isOpen ? gatekeeper.anybody : session?.principal
        return Answer(
            API.Session(
                isOpen: gatekeeper.isOpen, store: storeID, principal: principal?.name,
                scopes: principal?.grant.scopes.map(\.rawValue).sorted(), guard: session?.guardText,
                has: API.Abilities(
                    readModel: served.readSide != nil, verification: served.tools.verify != nil,
                    backup: served.tools.backup != nil, keys: !gatekeeper.isOpen)))
    }
}
