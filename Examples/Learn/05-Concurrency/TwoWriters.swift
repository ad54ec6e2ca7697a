import BankModel
import Sillok

let concurrencyLessons = [
    Lesson("no-condition", "Two writers without a condition: an account is overdrawn", run: withoutCondition),
    Lesson("two-writers", "The same with the expected revision: the second append is rejected", run: twoWriters),
    Lesson("decide-again", "A command handler that another writer overtakes", run: decideAgain),
    Lesson("old-screen", "A command that is based on what a user has seen", run: oldScreen),
    Lesson("seats", "Conditions over tags: which bookings compete", run: seats),
    Lesson("hot-stream", "What one stream for everybody costs", run: hotStream),
]

private let coding = EventCoding<BankAccount.Event>()

/// An account with 40 euros.
private func openedAccount(in store: any EventStore) async throws -> CommandHandler<BankAccount> {
    let accounts = CommandHandler<BankAccount>("account", in: store)
    try await accounts.execute(.open(owner: "Ada"), on: "42")
    try await accounts.execute(.deposit(40_00), on: "42")
    return accounts
}

func withoutCondition() async throws {
    let store = MemoryEventStore()
    let accounts = try await openedAccount(in: store)

    // Two tills read the account, and both decide on what they have read.
    let first = try await accounts.state(of: "42")
    let second = try await accounts.state(of: "42")
    let firstEvents = try first.state.decide(.withdraw(30_00))
    let secondEvents = try second.state.decide(.withdraw(30_00))

    try await store.append(firstEvents.map { try coding.encode($0) }, to: "account-42")
    try await store.append(secondEvents.map { try coding.encode($0) }, to: "account-42")

    print("balance:", try await accounts.state(of: "42").state.balance)
}

func twoWriters() async throws {
    let store = MemoryEventStore()
    let accounts = try await openedAccount(in: store)
    let first = try await accounts.state(of: "42")
    let second = try await accounts.state(of: "42")
    print("both tills have read revision", second.revision)
    let firstEvents = try first.state.decide(.withdraw(30_00))
    let secondEvents = try second.state.decide(.withdraw(30_00))

    let receipt = try await store.append(
        firstEvents.map { try coding.encode($0) }, to: "account-42",
        if: .revision(first.revision, of: "account-42"))
    print("the first till's event is at position", receipt.position)
    do {
        try await store.append(
            secondEvents.map { try coding.encode($0) }, to: "account-42",
            if: .revision(second.revision, of: "account-42"))
    } catch AppendError.conflict(let conflict) {
        print(conflict)
    }
    print("balance:", try await accounts.state(of: "42").state.balance)
}

/// A store in which another writer is faster than the next append.
struct OvertakenStore: ForwardingEventStore {
    let base: any EventStore
    let other: @Sendable () async throws -> Void
    private let turn = Turn()

    /// Lets the other writer in once.
    private actor Turn {
        private var isTaken = false

        func take() -> Bool {
            defer { isTaken = true }
            return !isTaken
        }
    }

    init(_ base: any EventStore, other: @escaping @Sendable () async throws -> Void) {
        (self.base, self.other) = (base, other)
    }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        do {
            if await turn.take() { try await other() }
        } catch { throw AppendError(error) }
        return try await base.append(request)
    }
}

func decideAgain() async throws {
    let store = MemoryEventStore()
    let till = try await openedAccount(in: store)
    let overtaken = OvertakenStore(store) {
        try await till.execute(.withdraw(30_00), on: "42")
        print("the other till withdraws 3000 first")
    }
    let accounts = CommandHandler<BankAccount>("account", in: overtaken)
    do {
        try await accounts.transact(on: "42") { account in
            print("decide on a balance of", account.balance)
            return try account.decide(.withdraw(30_00))
        }
    } catch BankAccount.Refusal.insufficientFunds(let balance) {
        print("refused, the balance is", balance)
    }
}

func oldScreen() async throws {
    let store = MemoryEventStore()
    let accounts = try await openedAccount(in: store)
    let screen = try await accounts.state(of: "42")
    print("the screen shows", screen.state.balance, "at revision", screen.revision)
    try await accounts.execute(.deposit(5_00), on: "42")
    do {
        try await accounts.execute(.withdraw(40_00), on: "42", expecting: screen.revision)
    } catch let conflict as AppendConflict {
        for event in conflict.events { print("meanwhile:", event.type, String(decoding: event.payload, as: UTF8.self)) }
    }
}
