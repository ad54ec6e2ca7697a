import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Sillok
import SillokAPI
import SillokCore
import SillokProcessOperations
import SillokReadSide
import SillokWebhookOperations
import Testing

@testable import SillokServer

/// An interface that is asked without a network: every answer must be one that the documentation names.
struct Browserless {
    let interface: WebInterface
    let store: any EventStore

    init(
        _ store: any EventStore = MemoryEventStore(), keyring: Keyring? = nil, folds: [StreamFold] = [],
        readSide: ReadSide? = nil, processes: ProcessOperations? = nil, webhooks: WebhookOperations? = nil,
        limits: ServerLimits = .init(), loopbackOnly: Bool = false,
        tools: StoreTools = StoreTools(), clock: WallClock = .system,
        pause: @escaping WebInterface.Pause = WebInterface.sleep
    ) async throws {
        self.store = store
        interface = try await WebInterface(
            Served(
                store, readSide: readSide, processes: processes, webhooks: webhooks, folds: folds, tools: tools),
            gatekeeper: Gatekeeper(keyring: keyring), limits: limits, loopbackOnly: loopbackOnly, clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, pause: pause)
    }

    /// What came back.
    struct Answer {
        let status: Int
        let headers: HTTPFields
        let text: String

        var json: JSONReader.Value {
            get throws { try JSONReader(Array(text.utf8)).root }
        }

        /// The kind of the problem, if it is one.
        var problem: String? {
            guard headers[.contentType] == "application/problem+json" else { return nil }
            return (try? json["type"]?.string)?.split(separator: ":").last.map(String.init)
        }
    }

    func ask(
        _ method: HTTPRequest.Method = .get, _ path: String, _ body: String? = nil, bytes: [UInt8]? = nil,
        key: Secret? = nil, headers: HTTPFields = [:]
    ) async throws -> Answer {
        let response = await response(method, path, body, bytes: bytes, key: key, headers: headers)
        let writer = Collector()
        try await response.body.write(writer)
        let answer = Answer(
            status: Int(response.status.code), headers: response.headers,
            text: String(decoding: writer.bytes.withLock { $0 }, as: UTF8.self))
        expectDocumented(method, path, answer)
        return answer
    }

    func response(
        _ method: HTTPRequest.Method = .get, _ path: String, _ body: String? = nil, bytes: [UInt8]? = nil,
        key: Secret? = nil, headers: HTTPFields = [:], disconnect: (@Sendable () -> Void)? = nil
    ) async -> Response {
        var fields = headers
        let content = bytes ?? body.map { Array($0.utf8) }
        if content != nil, fields[.contentType] == nil { fields[.contentType] = "application/json" }
        if let key { fields[.authorization] = "Bearer \(key.revealed)" }
        let head = HTTPRequest(
            method: method, scheme: "http", authority: "localhost:8080", path: path, headerFields: fields)
        let request = Request(head: head, body: .init(buffer: ByteBuffer(bytes: content ?? [])))
        return await interface.respond(to: request, disconnect: disconnect)
    }

    /// Appends an event of a type to a stream.
    @discardableResult
    func note(_ stream: StreamID?, _ type: EventType = "noted", _ text: String = "{}") async throws -> Receipt {
        try await store.append([EventData(type: type, text: text)], to: stream)
    }

    private func expectDocumented(_ method: HTTPRequest.Method, _ path: String, _ answer: Answer) {
        let parts = path.prefix { $0 != "?" }.split(separator: "/").compactMap { percentDecoded($0) }
        let method = method == .head ? .get : method
        let found = interface.routes.endpoints(at: parts).first { $0.endpoint.method == method }
        guard let endpoint = found?.endpoint, !endpoint.isPage else { return }
        let known = Set(endpoint.handler.answers.keys).union(endpoint.documentedProblems)
        #expect(known.contains(answer.status), "\(method) \(endpoint.route) answers \(answer.status): \(answer.text)")
    }
}

/// Takes a body that is written.
final class Collector: ResponseBodyWriter, Sendable {
    let bytes = Lock([UInt8]())
    let writes = Lock(0)
    private let limit: Int

    struct Full: Error {}

    /// - Parameter limit: the number of bytes after which the writing ends.
    init(limit: Int = .max) { self.limit = limit }

    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }

    func write(_ buffer: ByteBuffer) async throws {
        writes.withLock { $0 += 1 }
        let count = bytes.withLock { bytes in
            bytes += buffer.readableBytesView
            return bytes.count
        }
        if count >= limit { throw Full() }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

extension JSONReader.Value {
    /// The value of a key of an object.
    subscript(key: String) -> JSONReader.Value? { members?.first { $0.key == key }?.value }
}
