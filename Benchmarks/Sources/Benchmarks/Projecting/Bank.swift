import SillokProjections
import SillokSQLite

/// The bank of the examples: its events and its read model, much as in Examples/2-BankWithReadModel.
enum Bank {
    enum Event: Codable, Equatable, Sendable {
        case opened(owner: String), deposited(cents: Int), withdrawn(cents: Int), closed
    }

    static let accounts = 10_000

    static func account(_ number: Int) -> StreamID { StreamID("account-\(number * 7919 % accounts)") }

    /// Event `number`: each account is opened first, then two deposits for each withdrawal.
    static func event(_ number: Int) -> Event {
        if number < accounts { return .opened(owner: "Ada \(number)") }
        return number % 3 == 0 ? .withdrawn(cents: 50) : .deposited(cents: 100)
    }

    /// The sum of all balances after `count` events.
    static func total(_ count: Int) -> Int {
        (accounts..<max(count, accounts)).reduce(0) { $0 + ($1 % 3 == 0 ? -50 : 100) }
    }

    struct AccountBalance: Projection {
        let name = "account_balance"
        let version = 1
        let source = EventQuery.category("account")
        let schema: [SQL] = [
            """
            CREATE TABLE \(table: "account_balance") (
                account TEXT PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL, is_open INTEGER NOT NULL)
            """
        ]

        func project(_ event: Recorded<Event>) -> [SQL] {
            let account = event.stream?.text ?? ""
            switch event.payload {
            case .opened(let owner):
                return [
                    """
                    INSERT INTO \(table: "account_balance") VALUES (\(account), \(owner), 0, 1)
                    ON CONFLICT (account) DO UPDATE SET owner = excluded.owner, is_open = 1
                    """
                ]
            case .deposited(let cents): return [set("cents = cents + \(cents)", account)]
            case .withdrawn(let cents): return [set("cents = cents - \(cents)", account)]
            case .closed: return [set("is_open = 0", account)]
            }
        }

        private func set(_ column: SQL, _ account: String) -> SQL {
            "UPDATE \(table: "account_balance") SET \(column) WHERE account = \(account)"
        }
    }
}

extension SQLiteEventStore {
    /// Appends events of the bank in batches of a thousand until the log has `count`.
    func fillBank(to count: Int) async throws {
        let coding = EventCoding<Bank.Event>()
        var number = Int(try await head().value)
        while number < count {
            let end = min(number + 1000, count)
            let entries = try (number..<end).map { number in
                AppendRequest.Entry(stream: Bank.account(number), event: try coding.encode(Bank.event(number)))
            }
            _ = try await append(AppendRequest(entries))
            number = end
        }
    }
}
