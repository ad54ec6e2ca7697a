import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// The balance of each account; with a planted bug it depends on what must not matter.
private struct AccountBalance: Projection {
    enum Event: Codable, Sendable { case opened(owner: String), deposited(cents: Int) }
    enum Bug: CaseIterable { case countsStreams, remembersCalls }

    var bug: Bug?
    let calls = Lock(0)
    let name = "account_balance"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        "CREATE TABLE \(table: "account_balance") (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<Event>) -> [SQL] {
        switch event.payload {
        case .opened: return ["INSERT INTO \(table: "account_balance") VALUES (\(event.stream), 0)"]
        case .deposited(var cents):
            // Depends on the events of other streams.
            if bug == .countsStreams { cents += Int(event.position.value % 2) }
            // Depends on how often it was called.
            if bug == .remembersCalls {
                cents += calls.withLock {
                    $0 += 1; return $0
                }
            }
            return ["UPDATE \(table: "account_balance") SET cents = cents + \(cents) WHERE account = \(event.stream)"]
        }
    }
}

private struct AccountDocuments: DocumentProjection {
    let name = "accounts"
    let version = 1
    let source = EventQuery.category("account")

    func evolve(_ document: Int?, _ event: Recorded<AccountBalance.Event>) -> Int? {
        if case .deposited(let cents) = event.payload { (document ?? 0) + cents } else { 0 }
    }
}

/// How often each room was booked, found by the tags of events that belong to no stream.
private struct Bookings: Projection {
    enum Event: Codable, Sendable { case booked(nights: Int) }

    let name = "bookings"
    let version = 1
    let source = EventQuery.all.of("booked")
    let schema: [SQL] = ["CREATE TABLE \(table: "bookings") (room TEXT PRIMARY KEY, nights BIGINT NOT NULL)"]

    func project(_ event: Recorded<Event>) -> [SQL] {
        guard case .booked(let nights) = event.payload, let room = event.tags.first else { return [] }
        return [
            """
            INSERT INTO \(table: "bookings") VALUES (\(room.text), \(nights))
            ON CONFLICT (room) DO UPDATE SET nights = nights + excluded.nights
            """
        ]
    }
}

@Suite struct ProjectionTests {
    private var history: [(stream: StreamID, event: AccountBalance.Event)] {
        let accounts: [StreamID] = ["account-1", "account-2", "account-3", "account-4"]
        return accounts.map { ($0, .opened(owner: "Ada")) }
            + (1...60).map { (accounts[$0 * 7 % 4], .deposited(cents: $0)) }
    }

    @Test func `given events, then rows`() async throws {
        try await ProjectionScenario(AccountBalance())
            .given(.opened(owner: "Ada"), .deposited(cents: 100), on: "account-1")
            .then("SELECT account, cents FROM account_balance", gives: [["account-1", 100]], in: SQLiteReadModel())
        try await ProjectionScenario(documents: AccountDocuments())
            .given(.opened(owner: "Ada"), on: "account-1").given(.deposited(cents: 5), on: "account-1")
            .then("SELECT key, document FROM accounts", gives: [["account-1", "5"]], in: SQLiteReadModel())
        try await withKnownIssue {
            try await ProjectionScenario(AccountBalance())
                .given(.opened(owner: "Ada"), on: "account-1")
                .then("SELECT cents FROM account_balance", gives: [[1]], in: SQLiteReadModel())
        } matching: {
            $0.comments.contains { $0.rawValue == "expected  1\nfound     0" }
        }
    }

    @Test("N11: a scenario and a matrix take events with tags and without a stream")
    func tags() async throws {
        try await ProjectionScenario(Bookings())
            .given(.booked(nights: 2), tags: ["room:1"]).given(.booked(nights: 3), .booked(nights: 4), tags: ["room:2"])
            .then(
                "SELECT room, nights FROM bookings ORDER BY 1", gives: [["room:1", 2], ["room:2", 7]],
                in: SQLiteReadModel())
        let history = (1...20).map { number in
            (
                stream: number % 3 == 0 ? StreamID("room-3") : nil, event: Bookings.Event.booked(nights: number),
                tags: [EventTag("room:\(number % 4)")]
            )
        }
        let rooms = ProjectionMatrix(
            Bookings(), rows: "SELECT * FROM bookings ORDER BY 1", partitions: [1]
        ) { try SQLiteReadModel() }
        #expect(try await rooms.check(history, seed: 1) > 10)
    }

    @Test("N11: the clock of tests is public, and moves only when it is set")
    func clock() async throws {
        let clock = ManualClock()
        let store = MemoryEventStore(clock: clock.wallClock)
        let first = try await store.append([EventData(type: "a", text: "1")])
        clock.advance(by: .seconds(3600))
        let second = try await store.append([EventData(type: "a", text: "2")])
        #expect(second.recordedAt.microseconds(since: first.recordedAt) == 3_600_000_000)
        clock.advance(by: .seconds(-7200))
        #expect(clock.now < first.recordedAt)
    }

    @Test("N11: a reason that ends with a stop gives a sentence with one")
    func stops() {
        let cause = StoreError(.unavailable, "the disk is away.")
        let failure = ProjectionFailure(
            projection: ProjectionID("sums", version: 1, build: 1), event: nil, cause: cause)
        #expect(!failure.description.contains("..") && failure.description.contains("the disk is away. Fix the cause"))
        #expect("a…".withoutStop == "a…" && "and so on...".withoutStop == "and so on..." && ".".withoutStop == "")
    }

    @Test func `a sound projection gives the same rows in all variations`() async throws {
        let count = try await ProjectionMatrix(AccountBalance(), rows: "SELECT * FROM account_balance ORDER BY 1") {
            try SQLiteReadModel()
        }.check(history, seed: 1)
        #expect(count > 30)
        try await ProjectionMatrix(documents: AccountDocuments(), rows: "SELECT * FROM accounts ORDER BY 1") {
            try SQLiteReadModel()
        }.check(history, seed: 1)
    }

    @Test(arguments: AccountBalance.Bug.allCases)
    fileprivate func `a projection that depends on what must not matter is found out`(bug: AccountBalance.Bug)
        async throws
    {
        await #expect(throws: ProjectionMatrix.Failure.self) {
            try await ProjectionMatrix(AccountBalance(bug: bug), rows: "SELECT * FROM account_balance ORDER BY 1") {
                try SQLiteReadModel()
            }.check(history, seed: 1)
        }
    }
}
