import SillokHistory
import SillokProjections
import SillokTesting
import Testing

@Suite struct PastTests {
    private let clock = SettableClock(Timestamp(microsecondsSince1970: 0))
    private let store: MemoryEventStore

    init() { store = MemoryEventStore(clock: clock.wallClock) }

    private func fill() async throws {
        let accounts = CommandHandler<BankAccount>("account", in: store)
        for number in 1...10 {
            clock.now = Timestamp(microsecondsSince1970: Int64(number / 2) * 1_000_000)
            if number == 1 { try await accounts.execute(.open(owner: "Ada"), on: "1") }
            try await accounts.execute(.deposit(number), on: "1")
        }
    }

    @Test func `a state is that of the last event before or at a moment`() async throws {
        try await fill()
        let accounts = CommandHandler<BankAccount>("account", in: store)
        #expect(try await accounts.state(of: "1", at: .revision(3)).state.balance == 3)
        #expect(try await accounts.state(of: "1", at: .position(1)).state.isOpen)
        #expect(try await accounts.state(of: "1", at: .revision(0)).revision == .none)
        #expect(try await accounts.state(of: "1", at: .time(Timestamp(microsecondsSince1970: 1_999_999))).revision == 4)
        #expect(try await accounts.state(of: "1", at: .time(Timestamp(microsecondsSince1970: 2_000_000))).revision == 6)
        #expect(try await accounts.state(of: "1", at: .time(.init(microsecondsSince1970: -1))).revision == .none)
        #expect(try await accounts.state(of: "1", at: .position(1000)).state.balance == 55)
    }

    @Test func `a time has a position, also where several events share it`() async throws {
        #expect(try await store.position(at: Timestamp(microsecondsSince1970: 5)) == .start)
        try await fill()
        #expect(try await store.position(at: Timestamp(microsecondsSince1970: 0)) == 2)
        #expect(try await store.position(at: Timestamp(microsecondsSince1970: 999_999)) == 2)
        #expect(try await store.position(at: Timestamp(microsecondsSince1970: 1_000_000)) == 4)
        #expect(try await store.position(at: Timestamp(microsecondsSince1970: .max)) == 11)
    }

    @Test func `what is appended later is not in it`() async throws {
        try await fill()
        let past = try await store.past(at: 4)
        try await CommandHandler<BankAccount>("account", in: store).execute(.open(owner: "Grace"), on: "0")
        var seen: [Position] = []
        for try await page in past.pages() { seen += page.events.map(\.position) }
        #expect(seen == [1, 2, 3, 4])
        #expect(try await past.state(of: BankAccount.self, "account-1").state.balance == 6)
        #expect(try await past.streams().map(\.revision) == [4])
        #expect(try await store.past().streams(in: "account").map(\.id) == ["account-0", "account-1"])
    }

    @Test func `documents are as they were`() async throws {
        try await fill()
        let past = try await store.past(at: Timestamp(microsecondsSince1970: 1_000_000))
        let seen = Lock<[Position]>([])
        let documents = try await past.documents(of: Sums()) { done, _ in seen.withLock { $0.append(done) } }
        #expect(documents == ["account-1": 6])
        #expect(seen.withLock { $0.last } == 4)
        #expect(try await past.document(of: Sums(), "account-1") == 6)
        #expect(try await past.document(of: Sums(), "account-2") == nil)
    }
}

private struct Sums: DocumentProjection {
    let name = "sums"
    let version = 1
    let source = EventQuery.category("account")
    func evolve(_ document: Int?, _ event: Recorded<BankAccount.Event>) -> Int? {
        if case .deposited(let amount) = event.payload { return (document ?? 0) + amount }
        return document
    }
}
