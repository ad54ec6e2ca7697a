import HTTPTypes
import Hummingbird
import SillokCore
import SillokWire
import Sillok

extension Endpoint {
    /// The endpoints for signing in on a page. A key or a token is sent once, and a cookie replaces it from then on.
    static let sessions = [
        Endpoint(
            method: .get, route: "/v1/session", operation: .session, summary: "Who is signed in, and what they may do.",
            answers: [200: [.json("Session")]], handle: { interface, call in interface.describe(call.session) }),
        Endpoint(
            method: .post, route: "/v1/session", operation: .signIn, summary: "Sign in with a key or a token.",
            body: .json("SignIn"), answers: [200: [.json("Session")]], problems: [401, 408, 413, 415],
            handle: { try await $0.signIn($1) }),
        Endpoint(
            method: .delete, route: "/v1/session", operation: .signOut, summary: "Sign out.",
            answers: [200: [.json("Session")]],
            handle: { interface, call in
                if let cookie = call.request.cookies[cookieName]?.value { interface.gatekeeper.sessions.end(cookie) }
                var response = interface.describe(nil)
                response.headers[.setCookie] = "\(cookieName)=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
                return response
            }),
    ]

    private static let cookieName = WebInterface.cookieName
}

extension WebInterface {
    fileprivate func signIn(_ call: Call) async throws -> Response {
        let fields = try Asking.texts(try await call.jsonBody(limit: 16 << 10), ["token"])
        guard let token = fields["token"] else { throw Problem(400, .malformed, "\"token\" is missing") }
        let principal = try await gatekeeper.principal(bearing: token)
        let (cookie, session) = gatekeeper.sessions.begin(principal)
        var response = describe(session)
        let secure = call.isSecure ? "; Secure" : ""
        response.headers[.setCookie] =
            "\(Self.cookieName)=\(cookie); Path=/; Max-Age=\(Sessions.lifetimeSeconds); HttpOnly; SameSite=Strict\(secure)"
        return response
    }

    fileprivate func describe(_ session: Sessions.Session?) -> Response {
        var json = JSONWriter()
        json.beginObject()
        json.field("isOpen", gatekeeper.isOpen)
        json.field("store", storeID.description)
        let principal = gatekeeper.isOpen ? gatekeeper.anybody : session?.principal
        if let principal {
            json.field("principal", principal.name)
            json.key("scopes")
            json.beginArray()
            for scope in principal.grant.scopes.map(\.rawValue).sorted() { json.string(scope) }
            json.endArray()
        }
        if let session { json.field("guard", session.guardText) }
        json.key("has")
        json.beginObject()
        json.field("readModel", served.readSide != nil)
        json.field("verification", served.tools.verify != nil)
        json.field("backup", served.tools.backup != nil)
        json.field("keys", !gatekeeper.isOpen)
        json.endObject()
        json.endObject()
        return .json(json)
    }
}
