import Hummingbird
import SillokAPI
import SillokCore
import SillokReadSide
import SillokWebhookOperations

extension Endpoint {
    private static let webhook = Parameter.path("webhook", "The id of the endpoint.", Parameter.name)
    private static let next = Parameter.query("after", "Where the page starts: `next` of the page before.")

    /// The endpoints that show webhooks, and those that operate them.
    static let webhooks: [Endpoint] = [
        Endpoint(
            .get, "/v1/webhooks", .listWebhooks,
            "The endpoints to which events are sent, in the order of their registration.",
            parameters: [next, .limit], .value { try await $0.webhooks($1) }),
        Endpoint(
            .get, "/v1/webhooks/{webhook}", .showWebhook, "An endpoint, and how far it has come.",
            parameters: [webhook], problems: [404],
            .value { Answer(API.Webhook(try await $0.webhooks().endpoint($1.pathName("webhook")))) }),
        Endpoint(
            .get, "/v1/webhooks/{webhook}/deliveries", .listDeliveries,
            "The attempts to send to an endpoint, the newest first. The last thousand are kept.",
            parameters: [webhook, next, .limit], problems: [404], .value { try await $0.deliveries($1) }),
        act("pause", .pauseWebhook, "Stop sending to an endpoint. New events wait in the log.", API.Reason.self) {
            try await $0.pause($1, by: $3)
        },
        act(
            "resume", .resumeWebhook, "Continue to send to a paused or disabled endpoint, at the same place.",
            API.Reason.self
        ) { try await $0.resume($1, by: $3) },
        act("redrive", .redriveWebhook, "Send the events from a position on again.", API.Redrive.self) {
            try await $0.redrive($1, from: Position($2.position.value), by: $3)
        },
    ]

    private static func act<Input: Reasoned>(
        _ verb: String, _ operation: ServerOperation, _ summary: String, _ input: Input.Type,
        _ body: @escaping @Sendable (WebhookOperations, String, Input, Operator) async throws -> Void
    ) -> Endpoint {
        Endpoint(
            .post, "/v1/webhooks/{webhook}/\(verb)", operation, summary, parameters: [webhook], problems: [404, 409],
            .value(of: input, limit: 2 << 20, status: 202, after: { _ = try $0.webhooks() }) {
                interface, call, input in
                let (webhooks, id) = (try interface.webhooks(), call.pathName("webhook"))
                return try await interface.operate(call, id, input) { whom in
                    // A path that names no endpoint is a 404 for every act.
                    _ = try await webhooks.endpoint(id)
                    try await body(webhooks, id, input, whom)
                    return API.Accepted()
                }
            })
    }
}

extension API.Redrive: Reasoned {}

extension WebInterface {
    fileprivate func webhooks() throws -> WebhookOperations { try configured(served.webhooks) }

    fileprivate func webhooks(_ call: Call) async throws -> Answer<API.Webhooks> {
        let limit = try call.limit(atMost: 1000, default: 100)
        guard let webhooks = served.webhooks else { return Answer(API.Webhooks([], next: nil, hasReadModel: false)) }
        let found = try await webhooks.endpoints(after: try call.text("after"), limit: min(limit + 1, 1000))
        let next = found.count > limit ? found[limit - 1].endpoint.id : nil
        let page = found.prefix(limit).map { API.Webhook($0) }
        return Answer(API.Webhooks(page, next: next, hasReadModel: true))
    }

    fileprivate func deliveries(_ call: Call) async throws -> Answer<API.Deliveries> {
        let limit = try call.limit(atMost: 1000, default: 100)
        let cursor = try call.text("after").map { text in
            guard let cursor = DeliveryCursor(text) else {
                throw Problem(400, .malformed, "\"after\" is not the \"next\" of a page")
            }
            return cursor
        }
        let page = try await webhooks().deliveries(of: call.pathName("webhook"), before: cursor, limit: limit)
        return Answer(API.Deliveries(page))
    }
}
