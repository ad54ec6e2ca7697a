import BankModel
import Sillok

let foldingLessons = [
    Lesson("replay", "The events of an account, and the state after each of them", run: replay),
    Lesson("past", "The same account as of an earlier moment", run: past),
    Lesson("new-question", "A question that came after the events were stored", run: newQuestion),
]

/// A week of an account. Each event is recorded at noon of its day.
private func recordedWeek() async throws -> MemoryEventStore {
    let days = Days()
    let store = MemoryEventStore(clock: WallClock { days.noon })
    let accounts = CommandHandler<BankAccount>("account", in: store)
    let week: [BankAccount.Command] = [
        .open(owner: "Ada"), .deposit(100_00), .withdraw(30_00), .withdraw(65_00), .deposit(20_00),
    ]
    for command in week {
        try await accounts.execute(command, on: "42")
        days.next()
    }
    return store
}

func replay() async throws {
    let store = try await recordedWeek()
    let coding = EventCoding<BankAccount.Event>()

    var account = BankAccount()
    for stored in try await store.read(.stream("account-42")).events {
        for event in try coding.decode(stored) {
            account.evolve(event)
            print(stored.revision, event, "→ balance", account.balance)
        }
    }
}

func past() async throws {
    let accounts = CommandHandler<BankAccount>("account", in: try await recordedWeek())
    let now = try await accounts.state(of: "42")
    let before = try await accounts.state(of: "42", at: .revision(2))
    let wednesday = try await accounts.state(of: "42", at: .time("2026-11-25T18:00:00Z"))
    print("now:", now.state.balance)
    print("after event 2:", before.state.balance)
    print("on Wednesday evening:", wednesday.state.balance)
}

/// How low an account has ever been. Its state differs from that of the decider, and its events are the same.
struct LowestBalance {
    private(set) var balance = 0
    private(set) var lowest: Int?

    mutating func evolve(_ event: BankAccount.Event) {
        switch event {
        case .opened: return
        case .deposited(let cents): balance += Int(cents)
        case .withdrawn(let cents):
            balance -= Int(cents)
            lowest = min(lowest ?? balance, balance)
        }
    }
}

func newQuestion() async throws {
    let events = try await recordedWeek().read(.stream("account-42")).events
    let coding = EventCoding<BankAccount.Event>()
    let answer = try events.flatMap { try coding.decode($0) }
        .reduce(into: LowestBalance()) { state, event in state.evolve(event) }
    print("lowest balance ever:", answer.lowest ?? 0)
}
