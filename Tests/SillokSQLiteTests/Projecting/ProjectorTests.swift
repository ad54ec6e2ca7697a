import Sillok
import SillokSQLite
import Testing

enum AccountEvent: Codable, Equatable, Sendable {
    case opened(owner: String), deposited(cents: Int), poisoned
}

struct Balances: Projection {
    struct Poisoned: Error {}

    var name = "balances"
    var version = 1
    var source = EventQuery.category("account")
    var unknownTypes = UnknownTypePolicy.stop
    var refusesPoison = true
    let schema: [SQL] = [
        "CREATE TABLE balances (account TEXT PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<AccountEvent>) throws -> [SQL] {
        let account = event.stream?.text ?? ""
        switch event.payload {
        case .opened(let owner): return ["INSERT INTO balances VALUES (\(account), \(owner), \(0))"]
        case .deposited(let cents):
            return ["UPDATE balances SET cents = cents + \(cents) WHERE account = \(account)"]
        case .poisoned:
            if refusesPoison { throw Poisoned() }
            return []
        }
    }
}

/// A log of accounts, a read model in a file, and an independent fold of what was appended.
private struct Books {
    let store = MemoryEventStore()
    let model: SQLiteReadModel
    private(set) var expected: [String: Int] = [:]

    init(_ folder: TemporaryFolder) throws {
        model = try SQLiteReadModel(path: folder.path())
    }

    @discardableResult mutating func append(_ event: AccountEvent, _ account: Int) async throws -> Receipt {
        let (type, payload) = try EventCoding<AccountEvent>().encode(event)
        let name = "account-\(account)"
        let receipt = try await store.append(
            AppendRequest([.init(stream: StreamID(name), event: EventData(type: type, payload: payload))]))
        if case .opened = event { expected[name] = 0 }
        if case .deposited(let cents) = event { expected[name, default: 0] += cents }
        return receipt
    }

    func rows(in model: SQLiteReadModel) async throws -> [String: Int] {
        var found: [String: Int] = [:]
        for row in try await model.rows("SELECT account, cents FROM balances ORDER BY account") {
            if case .text(let account) = row["account"], case .integer(let cents) = row["cents"] {
                found[account] = Int(cents)
            }
        }
        return found
    }

    /// What the checkpoint must say, told by the log alone.
    func summary(_ id: ProjectionID, in model: SQLiteReadModel) async throws -> (told: Checkpoint?, log: Checkpoint) {
        let told = try await model.checkpoint(of: id)
        var log = Checkpoint(store: try await store.storeID())
        for try await page in store.pages(.category("account")) {
            for event in page.events { log.handle(event) }
        }
        if let told { log.pass(told.position) }
        return (told, log)
    }
}

/// A read model that breaks off at random: before a write, or after it, so that its answer is lost. With a planted bug it
/// writes from wherever the checkpoint is.
private struct BreakingModel: ReadModel {
    struct Broken: Error {}

    let model: SQLiteReadModel
    let isGuarded: Bool

    func checkpoint(of projection: ProjectionID) async throws -> Checkpoint? {
        try await model.checkpoint(of: projection)
    }

    func write(_ changes: ReadModelChanges) async throws {
        if Int.random(in: 0..<4) == 0 { throw Broken() }
        var changes = changes
        // The bug: the write is repeated when its answer is lost, without a guard.
        let repeats = isGuarded ? 1 : 2
        for _ in 0..<repeats {
            if !isGuarded { changes.from = try await model.checkpoint(of: changes.projection) }
            try await model.write(changes)
        }
        if Int.random(in: 0..<4) == 0 { throw Broken() }
    }

    func rows(_ query: SQL) async throws -> [SQLRow] { try await model.rows(query) }
}

@Suite("projector")
struct ProjectorTests {
    @Test("one's own write is read, and the rows equal the fold")
    func readsOwnWrite() async throws {
        let folder = try TemporaryFolder()
        var books = try Books(folder)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let running = Task { try await projector.run() }
        for account in 1...5 { try await books.append(.opened(owner: "Ada \(account)"), account) }
        for turn in 1...100 {
            let receipt = try await books.append(.deposited(cents: turn), turn % 5 + 1)
            let model = try await projector.model(atLeast: receipt.position, within: .seconds(20))
            #expect(try await books.rows(in: model) == books.expected)
        }
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        await books.model.close()
    }

    @Test("stopped at any point and begun anew, every event is handled once")
    func resumes() async throws {
        var random = SystemRandomNumberGenerator()
        let folder = try TemporaryFolder()
        var books = try Books(folder)
        for account in 1...9 { try await books.append(.opened(owner: ""), account) }
        for _ in 0..<20 {
            let model = try SQLiteReadModel(path: folder.path())
            let projector = Projector(Balances(), from: books.store, into: model)
            let running = Task { try await projector.run() }
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                try await books.append(.deposited(cents: 1), .random(in: 1...9, using: &random))
            }
            running.cancel()
            _ = await running.result
            await model.close()
        }
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let running = Task { try await projector.run() }
        _ = try await projector.model(atLeast: books.store.head(), within: .seconds(20))
        #expect(try await books.rows(in: books.model) == books.expected)
        let (told, log) = try await books.summary(projector.id, in: books.model)
        #expect(told == log)
        running.cancel()
        _ = await running.result
        await books.model.close()
    }

    @Test("broken off before or after any write, every event is handled once", arguments: [true, false])
    func breaksOff(isGuarded: Bool) async throws {
        let folder = try TemporaryFolder()
        var books = try Books(folder)
        try await books.model.write(
            ReadModelChanges(
                ProjectionID("balances", version: 1), from: nil, to: Checkpoint(store: try await books.store.storeID()),
                statements: Balances().schema))
        for account in 1...3 { try await books.append(.opened(owner: "Ada"), account) }
        _ = try await project(books, BreakingModel(model: books.model, isGuarded: true))
        var breaks = 0
        for turn in 1...60 {
            try await books.append(.deposited(cents: turn), turn % 3 + 1)
            breaks += try await project(books, BreakingModel(model: books.model, isGuarded: isGuarded))
        }
        #expect(breaks > 0)
        #expect(try await (books.rows(in: books.model) == books.expected) == isGuarded)
        await books.model.close()
    }

    /// Runs projectors, one after the other, until one has come to the head: how many broke off.
    private func project(_ books: Books, _ model: BreakingModel) async throws -> Int {
        let head = try await books.store.head()
        for breaks in 0..<1000 {
            let projector = Projector(Balances(), from: books.store, into: model)
            let running = Task { try await projector.run() }
            let isThere = try? await projector.model(atLeast: head, within: .seconds(20))
            running.cancel()
            _ = await running.result
            if isThere != nil { return breaks }
        }
        return 1000
    }

    @Test("of two projectors of one projection, one is refused and nothing is doubled")
    func fenced() async throws {
        let folder = try TemporaryFolder()
        var books = try Books(folder)
        for account in 1...3 { try await books.append(.opened(owner: "Ada"), account) }
        let id = ProjectionID("balances", version: 1)
        let first = Checkpoint(store: try await books.store.storeID())
        try await books.model.write(ReadModelChanges(id, from: nil, to: first, statements: Balances().schema))
        var second = first
        second.pass(3)
        let change = ReadModelChanges(
            id, from: first, to: second, statements: ["INSERT INTO balances VALUES ('a', 'b', 1)"])
        try await books.model.write(change)
        let moved = CheckpointMoved(id, expected: 0, actual: 3)
        await #expect(throws: moved) { try await books.model.write(change) }
        #expect(try await books.rows(in: books.model) == ["a": 1])
        await books.model.close()
    }

    @Test("a change that fails takes its whole batch and its checkpoint with it")
    func allOrNothing() async throws {
        let folder = try TemporaryFolder()
        let books = try Books(folder)
        let id = ProjectionID("balances", version: 1)
        let first = Checkpoint(store: try await books.store.storeID())
        try await books.model.write(ReadModelChanges(id, from: nil, to: first, statements: Balances().schema))
        var second = first
        second.pass(2)
        let insert: SQL = "INSERT INTO balances VALUES ('a', 'b', 1)"
        await #expect(throws: StoreError.self) {
            try await books.model.write(ReadModelChanges(id, from: first, to: second, statements: [insert, insert]))
        }
        #expect(try await books.rows(in: books.model).isEmpty)
        #expect(try await books.model.checkpoint(of: id) == first)
        await books.model.close()
    }

    @Test("a poison event stops the projection there; mended, it goes on")
    func poison() async throws {
        let folder = try TemporaryFolder()
        var books = try Books(folder)
        try await books.append(.opened(owner: "Ada"), 1)
        let poison = try await books.append(.poisoned, 1)
        let last = try await books.append(.deposited(cents: 7), 1)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let failure = await #expect(throws: ProjectionFailure.self) { try await projector.run() }
        #expect(failure?.event?.position == poison.position)
        #expect(failure?.cause is Balances.Poisoned)
        #expect(projector.position == 1)
        await #expect(throws: ProjectionFailure.self) {
            try await projector.model(atLeast: last.position, within: .seconds(20))
        }
        var mended = Balances()
        mended.refusesPoison = false
        let again = Projector(mended, from: books.store, into: books.model)
        let running = Task { try await again.run() }
        let model = try await again.model(atLeast: last.position, within: .seconds(20))
        #expect(try await books.rows(in: model) == ["account-1": 7])
        running.cancel()
        _ = await running.result
        await books.model.close()
    }

    @Test("an unknown type stops the projection, unless it said that it ignores them", arguments: [true, false])
    func unknownType(isIgnored: Bool) async throws {
        let folder = try TemporaryFolder()
        var books = try Books(folder)
        try await books.append(.opened(owner: "Ada"), 1)
        _ = try await books.store.append(
            AppendRequest([.init(stream: "account-1", event: EventData(type: "renamed", payload: Array("{}".utf8)))]))
        let last = try await books.append(.deposited(cents: 7), 1)
        var rule = Balances()
        rule.unknownTypes = isIgnored ? .ignore : .stop
        let projector = Projector(rule, from: books.store, into: books.model)
        if isIgnored {
            let running = Task { try await projector.run() }
            _ = try await projector.model(atLeast: last.position, within: .seconds(20))
            running.cancel()
            _ = await running.result
            #expect(try await books.rows(in: books.model) == ["account-1": 7])
        } else {
            let failure = await #expect(throws: ProjectionFailure.self) { try await projector.run() }
            #expect(failure?.cause is UnknownEventType)
        }
        await books.model.close()
    }

    @Test("a model that nobody brings forward is stale by so much, in the time given")
    func stale() async throws {
        let folder = try TemporaryFolder()
        var books = try Books(folder)
        let receipt = try await books.append(.opened(owner: "Ada"), 1)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let error = await #expect(throws: StaleModel.self) {
            try await projector.model(atLeast: receipt.position, within: .milliseconds(20))
        }
        #expect(error?.behind == 1)
        await books.model.close()
    }

    @Test("a checkpoint of another store is refused")
    func otherStore() async throws {
        let folder = try TemporaryFolder()
        let books = try Books(folder)
        let id = ProjectionID("balances", version: 1)
        try await books.model.write(
            ReadModelChanges(id, from: nil, to: Checkpoint(store: StoreID()), statements: []))
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let failure = await #expect(throws: ProjectionFailure.self) { try await projector.run() }
        #expect((failure?.cause as? StoreError)?.code == .storeChanged)
        await books.model.close()
    }

    @Test("every kind of value comes back as it was bound")
    func values() async throws {
        let folder = try TemporaryFolder()
        let model = try SQLiteReadModel(path: folder.path())
        let values: [SQLValue] = [
            .null, .integer(.min), .real(0.5), .text(""), .text("é\u{0}'"), .blob([]), .blob([0, 255]),
        ]
        for value in values { #expect(try await model.rows("SELECT \(value) AS it").first?["it"] == value) }
        await model.close()
    }

    @Test("what would be lost or change rows unseen is refused")
    func refusals() async throws {
        let folder = try TemporaryFolder()
        let books = try Books(folder)
        let id = ProjectionID("balances", version: 1)
        let first = Checkpoint(store: try await books.store.storeID())
        let two: SQL = "CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER)"
        let error = await #expect(throws: StoreError.self) {
            try await books.model.write(ReadModelChanges(id, from: nil, to: first, statements: [two]))
        }
        #expect(error?.message.contains("more than one statement") == true)
        #expect(try await books.model.checkpoint(of: id) == nil)
        try await books.model.write(ReadModelChanges(id, from: nil, to: first, statements: Balances().schema))
        let written = await #expect(throws: StoreError.self) {
            try await books.model.rows("INSERT INTO balances VALUES ('a', 'b', 1)")
        }
        #expect(written?.code == .readOnly)
        #expect(try await books.rows(in: books.model).isEmpty)
        await books.model.close()

        let store = try SQLiteEventStore(path: folder.path("log.sqlite"))
        let opened = #expect(throws: StoreError.self) { try SQLiteReadModel(path: folder.path("log.sqlite")) }
        #expect(opened?.code == .unsupportedFormat)
        await store.close()
    }
}
