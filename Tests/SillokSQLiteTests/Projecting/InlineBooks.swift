import SillokProjections
import SillokSQLite
import Testing

/// Accounts in a store with a read model that is part of it, and an independent fold of what was appended.
struct InlineBooks {
    let place: Place
    private(set) var store: TestedStore
    private(set) var model: TestedInlineModel
    private(set) var expected: [String: [Int]] = [:]

    init(_ storage: Storage = .sqlite) async throws {
        place = Place(storage)
        (store, model) = try await place.storeWithModel()
    }

    /// An inline projector that runs within appends from now on.
    @discardableResult func attached(_ rule: Balances = Balances()) async throws -> Projector<TestedInlineModel> {
        let projector = Projector(
            rule, .inline, from: store, into: model, options: .init(pollInterval: .milliseconds(10)))
        try await projector.attach()
        return projector
    }

    /// As another process would find it.
    mutating func reopen() async throws {
        await close()
        (store, model) = try await place.storeWithModel()
    }

    func close() async {
        await model.close()
        await store.close()
    }

    static func request(_ event: AccountEvent, _ account: Int) throws -> AppendRequest {
        AppendRequest([
            .init(stream: StreamID("account-\(account)"), event: try EventCoding<AccountEvent>().encode(event))
        ])
    }

    @discardableResult mutating func append(_ event: AccountEvent, _ account: Int) async throws -> Receipt {
        let receipt = try await store.append(try Self.request(event, account))
        note(event, account)
        return receipt
    }

    /// What the rows should tell from now on.
    mutating func note(_ event: AccountEvent, _ account: Int) {
        switch event {
        case .opened: expected["account-\(account)", default: []] += []
        case .deposited(let cents), .poisoned(let cents): expected["account-\(account)", default: []].append(cents)
        }
    }

    /// The amounts of each account in the order in which they were projected.
    func rows(of id: ProjectionID? = nil) async throws -> [String: [Int]] {
        var found: [String: [Int]] = [:]
        for row in try await model.rows("SELECT account, cents, steps FROM \(table: "accounts")", of: id) {
            let steps = (row["steps"].text ?? "").split(separator: " ").compactMap { Int($0) }
            #expect(row["cents"].integer == Int64(steps.reduce(0, +)))
            found[row["account"].text ?? ""] = steps
        }
        return found
    }

    /// Expects that the rows contain all appended events, that the checkpoint agrees with the log, and that the store
    /// is undamaged.
    func expectTold(_ location: SourceLocation = #_sourceLocation) async throws {
        #expect(try await rows() == expected, sourceLocation: location)
        let side = ReadSide(of: store, in: model)
        let report = try await side.verify("balances")
        #expect(report.findings.isEmpty, sourceLocation: location)
        #expect(report.position == (try await store.head()), sourceLocation: location)
        // A partition stores progress over events of the others at most once a second.
        let isThere = try await eventually { try await side.status(of: "balances").last?.behind == 0 }
        #expect(isThere, sourceLocation: location)
        #expect(try await store.verify().isSound, sourceLocation: location)
    }
}
