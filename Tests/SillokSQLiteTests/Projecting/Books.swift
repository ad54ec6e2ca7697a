import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

enum AccountEvent: Codable, Equatable, Sendable {
    case opened(owner: String), deposited(cents: Int), poisoned(cents: Int)
}

/// The sum of each account; refuses poison until it is mended.
struct Balances: Projection {
    struct Poisoned: Error {}

    var name = "balances"
    var version = 1
    var source = EventQuery.category("account")
    var unknownTypes = UnknownTypePolicy.stop
    var sequencing = Sequencing.byStream
    var isMended = false
    /// Whether poison is found by the database and not by the rule.
    var refusesInSQL = false
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "accounts") (
            account TEXT PRIMARY KEY, cents BIGINT NOT NULL CHECK (cents < 1000000000), steps TEXT NOT NULL)
        """
    ]

    func project(_ event: Recorded<AccountEvent>) throws -> [SQL] {
        let account = event.stream?.text ?? ""
        switch event.payload {
        case .opened: return ["INSERT INTO \(table: "accounts") VALUES (\(account), 0, '')"]
        case .deposited(let cents): return [add(cents, account)]
        case .poisoned(let cents):
            if isMended { return [add(cents, account)] }
            if refusesInSQL { return [add(1, account), add(2_000_000_000, account)] }
            throw Poisoned()
        }
    }

    func clear(sequence: String) -> [SQL]? { ["DELETE FROM \(table: "accounts") WHERE account = \(sequence)"] }

    /// Also writes down in which order amounts came.
    private func add(_ cents: Int, _ account: String) -> SQL {
        """
        UPDATE \(table: "accounts") SET cents = cents + \(cents), steps = steps || \("\(cents) ")
        WHERE account = \(account)
        """
    }
}

/// The same as documents.
struct AccountDocuments: DocumentProjection {
    struct Account: Codable, Equatable, Sendable {
        var cents = 0
        var steps: [Int] = []
    }

    var name = "account_documents"
    var version = 1
    var source = EventQuery.category("account")
    var sequencing = Sequencing.byStream

    func evolve(_ document: Account?, _ event: Recorded<AccountEvent>) throws -> Account? {
        var account = document ?? Account()
        switch event.payload {
        case .opened: break
        case .deposited(let cents):
            account.cents += cents
            account.steps.append(cents)
        case .poisoned: throw Balances.Poisoned()
        }
        return account
    }
}

/// A log of accounts, a read model, and an independent fold of what was appended.
struct Books: Sendable {
    let place: Place
    let store: any EventStore
    let model: TestedModel
    private(set) var expected: [String: [Int]] = [:]

    /// - Parameter accounts: the number of accounts that are opened.
    init(_ storage: Storage, accounts: Int = 0) async throws {
        place = Place(storage)
        (store, model) = (try await place.log(), try await place.model())
        for account in 0..<accounts { try await append(.opened(owner: "Ada"), account + 1) }
    }

    @discardableResult mutating func append(_ event: AccountEvent, _ account: Int) async throws -> Receipt {
        let name = "account-\(account)"
        switch event {
        case .opened: expected[name] = []
        case .deposited(let cents), .poisoned(let cents): expected[name, default: []].append(cents)
        }
        return try await store.append([EventCoding<AccountEvent>().encode(event)], to: StreamID(name))
    }

    /// Opens accounts and deposits at random.
    mutating func fill(_ accounts: Int, _ deposits: Int, _ random: inout SeededGenerator) async throws {
        for account in 1...accounts { try await append(.opened(owner: "Ada"), account) }
        for _ in 0..<deposits {
            try await append(
                .deposited(cents: .random(in: 1...99, using: &random)), .random(in: 1...accounts, using: &random))
        }
    }

    /// The amounts of each account in the order in which they were projected.
    func rows(of id: ProjectionID? = nil, in other: (any ReadModel)? = nil) async throws -> [String: [Int]] {
        let query: SQL = "SELECT account, cents, steps FROM \(table: "accounts")"
        var found: [String: [Int]] = [:]
        for row in try await (other ?? model).rows(query, of: id) {
            let steps = (row["steps"].text ?? "").split(separator: " ").compactMap { Int($0) }
            #expect(row["cents"].integer == Int64(steps.reduce(0, +)))
            found[row["account"].text ?? ""] = steps
        }
        return found
    }
}

/// Runs a projector until `body` has ended.
func running<Model: ReadModel, Result: Sendable>(
    _ projector: Projector<Model>, _ body: () async throws -> Result
) async throws -> Result { try await running({ try await projector.run() }, body) }

extension SeededGenerator {
    /// A generator whose seed the test's output tells, and `SILLOK_SEED` sets.
    static func printed(_ test: String) -> SeededGenerator {
        let seed = Environment.seed
        print("\(test): seed \(seed)")
        return SeededGenerator(seed: seed)
    }
}
