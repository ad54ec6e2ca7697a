import InMemoryTracing
import Sillok
import SillokCore
import SillokProcesses
import SillokProjections
import SillokSQLite
import SillokTracing
import Testing
import Tracing

private struct Account: Decider {
    enum Event: Codable, Equatable, Sendable { case opened, closed }
    enum Refusal: Error { case closed }

    private var isClosed = false

    func decide(_ event: Event) throws(Refusal) -> [Event] {
        if isClosed { throw .closed }
        return [event]
    }

    mutating func evolve(_ event: Event) { isClosed = event == .closed }
}

/// Sends a card to each opened account.
private struct Welcome: ProcessManager {
    typealias Event = Account.Event

    enum Effect: Codable, Equatable, Sendable { case sendCard }
    enum Nothing: Codable, Hashable, Sendable { case nothing }
    typealias Request = Nothing
    typealias Deadline = Nothing

    static let name = "welcome"
    static let source = EventQuery.category("account")

    static func correlate(_ event: Recorded<Account.Event>) -> Correlation { .starts(event.stream?.key ?? "") }

    mutating func evolve(_ input: Input) {}

    func react(to input: Input) -> [Step] { if case .event = input { [.perform(.sendCard)] } else { [.complete] } }
}

private struct Accounts: Projection {
    let name = "accounts"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = ["CREATE TABLE \(table: "accounts") (id TEXT NOT NULL)"]

    func project(_ event: Recorded<Account.Event>) -> [SQL] {
        ["INSERT INTO \(table: "accounts") VALUES (\(event.stream?.text ?? ""))"]
    }
}

@Suite struct SpanTests {
    private let tracer = TraceparentTracer()
    private let store = MemoryEventStore()

    /// Runs a body with the tracer. Tests that run at the same time have none.
    private func traced<Value>(_ body: () async throws -> Value) async throws -> Value {
        Spans.traceTasks()
        return try await Spans.$ofTask.withValue(DistributedTracer(given: tracer)) { try await body() }
    }

    @Test("a command is a span with its append, and its events record it")
    func commands() async throws {
        let accounts = CommandHandler<Account>("account", in: store)
        try await traced {
            try await accounts.execute(.opened, on: "1")
            try await accounts.execute(.closed, on: "1")
            await #expect(throws: Account.Refusal.self) { try await accounts.execute(.opened, on: "1") }
        }
        let executed = tracer.spans("sillok.execute")
        let appended = tracer.spans("sillok.append")
        #expect(executed.map(\.subject) == ["account-1", "account-1", "account-1"])
        #expect(appended.map(\.parentSpanID) == executed.prefix(2).map(\.spanID))
        #expect(executed.map(\.errors.count) == [0, 0, 1])
        let events = try await store.read(.all).events
        #expect(events.map(\.metadata.traceparent) == executed.prefix(2).map(\.traceparent))
    }

    @Test("a span of the caller is the parent, and a given traceparent is kept")
    func parents() async throws {
        let accounts = CommandHandler<Account>("account", in: store)
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        try await traced {
            try await tracer.withSpan("request") { _ in
                _ = try await accounts.execute(.opened, on: "1")
            }
            try await accounts.execute([(key: "2", command: .opened, metadata: Metadata(traceparent: given))])
        }
        let request = try #require(tracer.spans("request").first)
        #expect(tracer.spans("sillok.execute").first?.parentSpanID == request.spanID)
        #expect(try await store.read(.all).events.last?.metadata.traceparent == given)
    }

    @Test("a projection, a publisher and an effect have spans; those of events are linked to the recorded one")
    func links() async throws {
        let model = try SQLiteReadModel()
        let accounts = CommandHandler<Account>("account", in: store)
        let publisher = Publisher(
            "mails", of: .category("account"), from: store, progressIn: model, starting: .atBeginning
        ) { _ in }
        let welcome = ProcessRunner(Welcome.self, after: .start, in: store, index: model) { _ in
            .execute(.opened, on: "1", with: accounts)
        } effects: { _ in
            EffectCall { _ in "" }
        }
        try await traced {
            try await accounts.execute(.opened, on: "1")
            try await Projector(Accounts(), from: store, into: model).catchUp()
            try await publisher.catchUp()
            try await welcome.catchUp()
        }
        let executed = try #require(tracer.spans("sillok.execute").first)
        #expect(tracer.spans("sillok.project").contains { $0.subject == "accounts" })
        let delivery = try #require(tracer.spans("sillok.delivery").first)
        #expect(delivery.subject == "mails")
        #expect(delivery.linkedSpans == [executed.spanID])
        let effect = try #require(tracer.spans("sillok.effect").first)
        #expect(effect.subject == "welcome sendCard")
        #expect(effect.linkedSpans == [executed.spanID])
        await model.close()
    }

    @Test("without a tracer no span is started, and nothing is recorded")
    func off() async throws {
        let accounts = CommandHandler<Account>("account", in: store)
        try await accounts.execute(.opened, on: "1")
        #expect(tracer.base.finishedSpans.isEmpty)
        #expect(try await store.read(.all).events.first?.metadata.traceparent == nil)
    }
}
