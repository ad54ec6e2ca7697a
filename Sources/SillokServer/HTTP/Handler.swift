import HTTPTypes
import Hummingbird
import SillokAPI
import SillokJSON

/// What an endpoint takes and answers, and the code in between. The forms of both come from the types of the code.
struct Handler: Sendable {
    /// The content of a body, with the type that describes it.
    struct Content: Sendable {
        let mediaType: String
        let type: any Described.Type
    }

    /// The allowed forms of the body of a request; none if it has no body.
    var inputs: [Content] = []
    /// The success statuses, each with the contents of its body.
    let answers: [Int: [Content]]
    /// Whether the answer is ``Authorized``.
    var isChecked = false
    let run: @Sendable (WebInterface, Call) async throws -> Response

    /// Answers with a value.
    static func value<Output>(
        status: Int = 200, _ handle: @escaping @Sendable (WebInterface, Call) async throws -> Answer<Output>
    ) -> Handler {
        Handler(answers: [status: [.json(Output.self)]]) { try await handle($0, $1).response(status) }
    }

    /// Takes a value of at most `limit` bytes, and answers with one. The body is read after `check`.
    static func value<Input: Message, Output>(
        of input: Input.Type, limit: Int, status: Int = 200,
        after check: @escaping @Sendable (WebInterface) throws -> Void = { _ in },
        _ handle: @escaping @Sendable (WebInterface, Call, Input) async throws -> Answer<Output>
    ) -> Handler {
        Handler(inputs: [.json(input)], answers: [status: [.json(Output.self)]]) { interface, call in
            try check(interface)
            return try await handle(interface, call, Input.read(call.jsonBody(limit: limit))).response(status)
        }
    }

    /// Answers with a value that the grant covers.
    static func checked<Output>(
        inputs: [Content] = [],
        _ handle: @escaping @Sendable (WebInterface, Call) async throws -> Authorized<Answer<Output>>
    ) -> Handler {
        Handler(inputs: inputs, answers: [200: [.json(Output.self)]], isChecked: true) {
            try await handle($0, $1).value.response()
        }
    }

    /// Answers with one of several forms that the grant covers.
    static func checked(
        inputs: [Content] = [], answers: [Int: [Content]],
        _ handle: @escaping @Sendable (WebInterface, Call) async throws -> Authorized<Response>
    ) -> Handler {
        Handler(inputs: inputs, answers: answers, isChecked: true) { try await handle($0, $1).value }
    }

    /// Answers with something that is not JSON.
    static func response(
        _ answers: [Content] = [], _ handle: @escaping @Sendable (WebInterface, Call) async throws -> Response
    ) -> Handler {
        Handler(answers: [200: answers], run: handle)
    }
}

extension Handler.Content {
    static func json(_ type: any Described.Type) -> Self { Self(mediaType: "application/json", type: type) }

    /// One event as CloudEvents JSON.
    static let cloudEvent = Self(mediaType: "application/cloudevents+json", type: API.CloudEvent.self)
    /// Events as CloudEvents JSON.
    static let cloudEvents = Self(mediaType: "application/cloudevents-batch+json", type: API.CloudEvents.self)
    /// Events as lines of JSON.
    static let lines = Self(mediaType: "application/x-ndjson", type: API.Event.self)
}

/// A value as the body of a response, and the headers next to it.
struct Answer<Value: Described>: Sendable {
    let value: Value
    var headers: HTTPFields

    init(_ value: Value, headers: HTTPFields = HTTPFields()) {
        (self.value, self.headers) = (value, headers)
    }

    /// Returns the JSON response. It must not be cached, unless a header says otherwise.
    func response(_ status: Int = 200, as mediaType: String = "application/json") throws -> Response {
        .bytes(try PlainCoding.bytes(of: value), mediaType, status: status, headers: headers)
    }
}
