import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import SillokCore

extension Endpoint {
    /// All endpoints of the HTTP API. Any other request is denied.
    static let all =
        appending + reading + streams + following + projections + operating + watching + administering + sessions
        + pages

    /// The dashboard and the documentation: the same for all users, without contents.
    static let pages = [
        page("/", .dashboard, "index.html"), page("/docs", .documentation, "docs.html"),
        Endpoint(
            method: .get, route: "/openapi.json", operation: .openAPI, summary: "This document.",
            answers: [200: [.json("Session")]], isPage: true,
            handle: { _, call in .kept(OpenAPI.document, "application/json", call) }),
        Endpoint(
            method: .get, route: "/assets/{name}", operation: .assets, summary: "A part of a page.",
            parameters: [.path("name", "Its name.")], answers: [200: []], isPage: true,
            handle: { _, call in try .asset(call.pathName("name"), call) }),
    ]

    private static func page(_ route: String, _ operation: ServerOperation, _ name: String) -> Endpoint {
        Endpoint(
            method: .get, route: route, operation: operation, summary: "A page.", answers: [200: []], isPage: true,
            handle: { _, call in try .asset(name, call) })
    }
}

extension Response {
    fileprivate static func asset(_ name: String, _ call: Call) throws -> Response {
        guard let bytes = DashboardAssets.all[name] else { throw Problem(404, .notFound, "there is no such page") }
        let types = [
            "html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml",
        ]
        let type = types[String(name.split(separator: ".").last ?? "")] ?? "application/octet-stream"
        return kept(bytes, "\(type); charset=utf-8", call)
    }

    /// Returns a response that does not change while the program runs. Browsers revalidate it with its tag.
    fileprivate static func kept(_ bytes: [UInt8], _ type: String, _ call: Call) -> Response {
        let tag = "\"\(Array(SHA256.hash(data: bytes)).prefix(12).map { $0 }.hexadecimal)\""
        let headers: HTTPFields = [.eTag: tag, .cacheControl: "no-cache"]
        if call.has(tag) {
            return Response(status: .notModified, headers: headers)
        }
        return .bytes(bytes, type, headers: headers)
    }
}
