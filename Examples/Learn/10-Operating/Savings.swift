import SillokProjections

/// A savings account. `Encodable`, so that a check can compare its states.
struct Savings: Decider, Encodable {
    enum Command: Sendable { case deposit(Int) }
    enum Event: Codable, Equatable, Sendable { case deposited(cents: Int) }
    enum Refusal: Error, Equatable { case notPositive }

    private(set) var cents = 0

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .deposit(let cents):
            if cents <= 0 { throw .notPositive }
            return [.deposited(cents: cents)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .deposited(let cents): self.cents += cents
        }
    }
}

struct SavingsList: Projection {
    let name = "savings"
    let version = 1
    let source = EventQuery.category("savings")
    let schema: [SQL] = ["CREATE TABLE \(table: "savings") (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"]

    func project(_ event: Recorded<Savings.Event>) -> [SQL] {
        guard let account = event.stream?.key, case .deposited(let cents) = event.payload else { return [] }
        return [
            "INSERT INTO \(table: "savings") VALUES (\(account), 0) ON CONFLICT (account) DO NOTHING",
            "UPDATE \(table: "savings") SET cents = cents + \(cents) WHERE account = \(account)",
        ]
    }
}

/// A store whose disk can be full.
struct Disk: ForwardingEventStore {
    let base: any EventStore
    let isFull = Guarded(false)

    @discardableResult
    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        if isFull.withLock({ $0 }) { throw .failed(StoreError(.full, "the disk is full.")) }
        return try await base.append(request)
    }
}
