import Sillok
import Testing

@Suite("A command handler")
struct CommandHandlerTests {
    let store = MemoryEventStore()
    var accounts: CommandHandler<BankAccount> { CommandHandler("account", in: store) }

    @Test("appends the decided events and returns their place")
    func appends() async throws {
        let opened = try await accounts.execute(.open(owner: "ada"), on: "42")
        #expect(opened.events == [.opened(owner: "ada")])
        #expect(opened.revision == 1)
        #expect(opened.position == 1)
        #expect(opened.receipt?.revisions == ["account-42": 1])

        let deposited = try await accounts.execute(.deposit(100), on: "42")
        #expect(deposited.state.balance == 100)
        let recorded = try await store.read(.stream("account-42")).events
        #expect(recorded.map(\.type) == ["opened", "deposited"])
        #expect(
            recorded.map { String(decoding: $0.payload, as: UTF8.self) } == [#"{"owner":"ada"}"#, #"{"amount":100}"#])
        #expect(recorded[0].tags == ["owner:ada"])
    }

    @Test("throws the decider's refusal unchanged and stores nothing")
    func refuses() async throws {
        await #expect(throws: BankAccount.Refusal.notOpen) { try await accounts.execute(.deposit(1), on: "42") }
        #expect(try await store.head() == .start)
    }

    @Test("lets 64 commands on one stream all succeed, with an exact sum")
    func sumsUp() async throws {
        let handler = accounts
        try await handler.execute(.open(owner: "ada"), on: "42")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for amount in 1...64 { group.addTask { try await handler.execute(.deposit(amount), on: "42") } }
            try await group.waitForAll()
        }
        let (state, revision) = try await handler.state(of: "42")
        #expect(state.balance == 64 * 65 / 2)
        #expect(revision == 65)
    }

    @Test("gives the first outcome when a command id comes again, also from another handler")
    func repeats() async throws {
        let id = CommandID()
        let first = try await accounts.execute(.open(owner: "ada"), on: "42", id: id)
        try await accounts.execute(.deposit(5), on: "42")
        let again = try await accounts.execute(.open(owner: "ada"), on: "42", id: id)
        #expect(again.isRepeat)
        #expect(again.events == first.events)
        #expect(again.receipt == first.receipt)
        #expect(again.state.balance == 0)
        #expect(again.revision == 1)
        #expect(try await store.head() == 2)
    }
}
