import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// Exercise 3: a wallet whose payment provider reports a payment twice, and whose read model gets events in any order.
enum Solution3 {
    struct Wallet: Decider {
        enum Command: Sendable { case topUp(payment: String, cents: Int) }
        enum Event: Codable, Equatable, Sendable { case toppedUp(payment: String, cents: Int) }
        enum Refusal: Error, Equatable { case notPositive }

        private(set) var cents = 0
        private var payments: Set<String> = []

        func decide(_ command: Command) throws(Refusal) -> [Event] {
            guard case .topUp(let payment, let cents) = command, cents > 0 else { throw .notPositive }
            if payments.contains(payment) { return [] }
            return [.toppedUp(payment: payment, cents: cents)]
        }

        mutating func evolve(_ event: Event) {
            switch event {
            case .toppedUp(let payment, let cents):
                self.cents += cents
                payments.insert(payment)
            }
        }
    }

    /// The holder of each wallet and its sum. Two streams feed it: `holder-…` and `wallet-…`.
    struct Wallets: Projection {
        enum Event: Codable, Sendable {
            case holderNamed(name: String)
            case toppedUp(cents: Int)
        }

        let name = "wallets"
        let version = 1
        let source = EventQuery.category("holder").or(.category("wallet"))
        let schema: [SQL] = [
            "CREATE TABLE \(table: "wallets") (id TEXT PRIMARY KEY, name TEXT NOT NULL, cents BIGINT NOT NULL)"
        ]

        func project(_ event: Recorded<Event>) -> [SQL] {
            let id = event.stream?.key ?? ""
            // The first event of either stream creates the row.
            let row: SQL = "INSERT INTO \(table: "wallets") VALUES (\(id), '', 0) ON CONFLICT (id) DO NOTHING"
            switch event.payload {
            case .holderNamed(let name):
                return [row, "UPDATE \(table: "wallets") SET name = \(name) WHERE id = \(id)"]
            case .toppedUp(let cents):
                return [row, "UPDATE \(table: "wallets") SET cents = cents + \(cents) WHERE id = \(id)"]
            }
        }
    }
}

@Suite struct Solution3Tests {
    @Test func `a payment that is reported twice counts once`() {
        Scenario<Solution3.Wallet>
            .given(.toppedUp(payment: "p1", cents: 100))
            .when(.topUp(payment: "p1", cents: 100))
            .thenNothing()
        Scenario<Solution3.Wallet>
            .given(.toppedUp(payment: "p1", cents: 100))
            .when(.topUp(payment: "p2", cents: 100))
            .then(.toppedUp(payment: "p2", cents: 100))
    }

    @Test func `the rows are the same for all orders, repeats and crashes`() async throws {
        var history: [(stream: StreamID, event: Solution3.Wallets.Event)] = []
        for wallet in 1...4 {
            history.append((StreamID("holder", "\(wallet)"), .holderNamed(name: "Kim \(wallet)")))
            for cents in 1...3 { history.append((StreamID("wallet", "\(wallet)"), .toppedUp(cents: cents))) }
        }
        let matrix = ProjectionMatrix(Solution3.Wallets(), rows: "SELECT * FROM wallets ORDER BY id") {
            try SQLiteReadModel()
        }
        try await matrix.check(history, seed: 3)
    }
}
