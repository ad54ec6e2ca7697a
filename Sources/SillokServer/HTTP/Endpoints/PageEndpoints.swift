import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import SillokAPI
import SillokCore

extension Endpoint {
    /// All endpoints of the HTTP API. Any other request is denied.
    static let all: [Endpoint] =
        appending + reading + streams + following + projections + operating + processes + operatingProcesses + webhooks
        + watching + administering + sessions + pages

    /// The dashboard and the documentation: the same for all users, without contents.
    static let pages: [Endpoint] = [
        page("/", .dashboard, "index.html"), page("/docs", .documentation, "docs.html"),
        Endpoint(
            .get, "/openapi.json", .openAPI, "This document.", isPage: true,
            .response { .kept(OpenAPI.document, "application/json", $1) }),
        Endpoint(
            .get, "/assets/{name}", .assets, "A part of a page.", parameters: [.path("name", "Its name.")],
            isPage: true, .response { try .asset($1.pathName("name"), $1) }),
    ]

    private static func page(_ route: String, _ operation: ServerOperation, _ name: String) -> Endpoint {
        Endpoint(.get, route, operation, "A page.", isPage: true, .response { try .asset(name, $1) })
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
