import Logging
import SillokCore
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@testable import SillokWebhooks

/// A clock whose sleeps are short, so that code that looks again and again looks often.
struct QuickClock: Clock {
    var now: ContinuousClock.Instant { ContinuousClock.now }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        let left = now.duration(to: deadline)
        try await ContinuousClock().sleep(for: min(max(left, .zero), .milliseconds(5)))
    }
}

/// The endpoints of other systems, as a test plays them.
final class Receivers: Sendable {
    struct Request: Sendable {
        let host: String
        let id: String
        let timestamp: String
        let signatures: [String]
        let contentType: String
        let body: String
        let status: Int

        var isTaken: Bool { (200..<300).contains(status) }
    }

    private struct State {
        var requests: [Request] = []
        var recordsRepeats = false
        var answer: @Sendable (_ host: String, _ body: String, _ count: Int) async throws -> WebhookAnswer
    }

    private let state: Lock<State>

    /// - Parameter answer: answers a body, of which it has seen a number of requests before.
    init(_ answer: @escaping @Sendable (_ host: String, _ body: String, _ count: Int) async throws -> WebhookAnswer) {
        state = Lock(State(answer: answer))
    }

    convenience init() { self.init { _, _, _ in WebhookAnswer(status: 200) } }

    /// Answers differently from now on.
    func answer(
        _ answer: @escaping @Sendable (_ host: String, _ body: String, _ count: Int) async throws -> WebhookAnswer
    ) { state.withLock { $0.answer = answer } }

    /// All requests, without those that repeat a message that was taken: when webhooks are stopped, what they have just
    /// sent is sent again.
    var requests: [Request] { state.withLock { $0.requests } }

    /// Records messages too that were taken before.
    func recordRepeats() { state.withLock { $0.recordsRepeats = true } }

    /// The notes of the messages that a host took, in order.
    func taken(by host: String) -> [String] {
        requests.filter { $0.host == host && $0.isTaken }.flatMap { Self.notes(in: $0.body) }
    }

    /// The values of `"note"` in a body.
    static func notes(in body: String) -> [String] {
        body.components(after: #""note":""#).map { String($0.prefix { $0 != "\"" }) }
    }

    func take(_ request: WebhookRequest) async throws -> WebhookAnswer {
        let host = String(request.url.dropFirst(8).prefix { $0 != "/" })
        let body = String(decoding: request.body, as: UTF8.self)
        let headers = Dictionary(request.headers.map { ($0.name, $0.value) }) { first, _ in first }
        let (answer, count) = state.withLock { state in
            (state.answer, state.requests.count { $0.host == host && $0.body == body })
        }
        let given = try await answer(host, body, count)
        let id = headers["webhook-id"] ?? ""
        state.withLock { state in
            let isRepeat = state.requests.contains { $0.host == host && $0.id == id && $0.isTaken }
            if isRepeat && !state.recordsRepeats { return }
            state.requests.append(
                Request(
                    host: host, id: id, timestamp: headers["webhook-timestamp"] ?? "",
                    signatures: (headers["webhook-signature"] ?? "").split(separator: " ").map(String.init),
                    contentType: headers["content-type"] ?? "", body: body, status: given.status))
        }
        return given
    }
}

extension String {
    /// Whether it has the note `bad`. An id may contain the letters too.
    var isBad: Bool { contains(#""note":"bad""#) }

    fileprivate func components(after separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let found = rest.firstRange(of: separator) {
            rest = rest[found.upperBound...]
            parts.append(rest)
        }
        return parts
    }
}

/// A log, a read model and webhooks over them, with a clock that the test moves.
struct WebhookPlay: Sendable {
    let store: any EventStore
    let model: any ReadModel
    let clock = ManualClock()
    let receivers: Receivers
    let ada = Operator("Ada", because: "it is a test")
    var options = WebhookOptions()
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let masterKey: WebhookMasterKey

    init(
        _ receivers: Receivers = Receivers(), store: (any EventStore)? = nil, pauses: [Duration] = [.milliseconds(20)]
    ) throws {
        self.receivers = receivers
        let wallClock = clock.wallClock
        self.store = store ?? MemoryEventStore(clock: wallClock)
        model = try SQLiteReadModel()
        masterKey = try WebhookMasterKey([UInt8](repeating: 42, count: 32))
        options.clock = QuickClock()
        options.wallClock = wallClock
        options.schedule = RetrySchedule(pauses: pauses)
        options.resolver = HostResolver { _ in [IPAddress(text: "8.8.8.8")].compactMap { $0 } }
        options.transport = { try await receivers.take($0) }
        options.pollInterval = .milliseconds(20)
    }

    func webhooks() throws -> Webhooks {
        try Webhooks(of: store, progressIn: model, masterKey: masterKey, options: options, logger: logger)
    }

    @discardableResult
    func note(_ text: String, _ stream: StreamID = "order-1") async throws -> Receipt {
        try await store.append([EventData(type: "noted", text: #"{"note":"\#(text)"}"#)], to: stream)
    }

    /// Registers an endpoint at `https://<id>.example/`.
    func register(
        _ id: String, _ webhooks: Webhooks, isOrdered: Bool = true, mode: WebhookEndpoint.ContentMode = .structured
    ) async throws {
        try await webhooks.register(
            "https://\(id).example/", for: .category("order"), id: id, isOrdered: isOrdered, mode: mode, by: ada)
    }

    /// Runs webhooks until a condition holds.
    func run(
        _ webhooks: Webhooks, until condition: () async throws -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let isSo = try await running(webhooks) { try await eventually(condition) }
        #expect(isSo, sourceLocation: sourceLocation)
    }

    /// Runs webhooks until `body` has ended.
    func running<Result>(_ webhooks: Webhooks, _ body: () async throws -> Result) async throws -> Result {
        let task = Task { try await webhooks.run() }
        defer { task.cancel() }
        do {
            let result = try await body()
            task.cancel()
            _ = await task.result
            return result
        } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
    }
}

/// Asks again until `condition` holds, for as long as a slow machine may take.
func eventually(
    within limit: Duration = .seconds(300), _ condition: () async throws -> Bool
) async throws -> Bool {
    let start = ContinuousClock.now
    while start.duration(to: .now) < limit {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}
