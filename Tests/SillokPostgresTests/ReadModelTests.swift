import SillokProjections
#if Postgres
import SillokPostgres
import SillokTesting
import Testing

private struct AccountBalance: Projection {
    enum Event: Codable, Sendable { case opened(owner: String), deposited(cents: Int) }

    let name = "account_balance"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "account_balance") (
            account TEXT PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL, is_rich INTEGER NOT NULL)
        """,
        "CREATE INDEX \(index: "owners") ON \(table: "account_balance") (owner)",
    ]

    func project(_ event: Recorded<Event>) -> [SQL] {
        switch event.payload {
        case .opened(let owner):
            return [
                """
                INSERT INTO \(table: "account_balance") VALUES (\(event.stream), \(owner), 0, \(false))
                ON CONFLICT (account) DO UPDATE SET owner = excluded.owner
                """
            ]
        case .deposited(let cents):
            return [
                """
                UPDATE \(table: "account_balance") SET cents = cents + \(cents),
                is_rich = CASE WHEN cents + \(cents) > 500 THEN 1 ELSE 0 END WHERE account = \(event.stream)
                """
            ]
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

/// Does what a projection may not.
private struct Trespasser: Projection {
    let name = "trespasser"
    let version = 1
    let source = EventQuery.all
    let schema: [SQL] = ["CREATE TABLE \(table: "trespasser") (n BIGINT)"]
    let statement: SQL

    func project(_ event: Recorded<AccountBalance.Event>) -> [SQL] { [statement] }
}

@Suite("PostgreSQL: read models", .serialized, .enabled(if: TestServer.isThere))
struct ReadModelTests {
    private func withModel<Result>(_ body: (PostgresReadModel) async throws -> Result) async throws -> Result {
        let model = try await PostgresReadModel(TestServer.connection, schema: TestServer.freshSchema("model"))
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(model)) } catch { result = .failure(error) }
        await model.close()
        try TestServer.drop(model.schema)
        return try result.get()
    }

    @Test func `the matrix of all that must not matter`() async throws {
        let accounts: [StreamID] = ["account-1", "account-2", "account-3", "account-4"]
        let history: [(stream: StreamID, event: AccountBalance.Event)] =
            accounts.map { ($0, .opened(owner: "Ada")) }
            + (1...60).map { (accounts[$0 * 7 % 4], .deposited(cents: $0)) }
        let schemas = Lock([String]())
        let model: @Sendable () async throws -> any ReadModel = {
            let schema = TestServer.freshSchema("matrix")
            schemas.withLock { $0.append(schema) }
            return try await PostgresReadModel(TestServer.connection, schema: schema)
        }
        let count = try await ProjectionMatrix(
            AccountBalance(), rows: "SELECT * FROM account_balance ORDER BY account", model: model
        ).check(history, seed: 1)
        #expect(count > 30)
        try await ProjectionMatrix(
            documents: AccountDocuments(), rows: "SELECT * FROM accounts ORDER BY 1", partitions: [1, 3], model: model
        ).check(history, seed: 1)
        for schema in schemas.withLock({ $0 }) { try TestServer.drop(schema) }
    }

    @Test func `what an older version has made gets the tables that have come since, and keeps its rows`() async throws
    {
        try await withModel { model in
            try await model.write(
                ReadModelWrite([.init("INSERT INTO sillok_decisions VALUES ('mails', 'e', 'skip', NULL)")]))
            try TestServer.run("DROP TABLE \"\(model.schema)\".sillok_snapshots")
            let opened = try await PostgresReadModel(TestServer.connection, schema: model.schema)
            #expect(try await opened.rows("SELECT * FROM sillok_snapshots") == [])
            #expect(try await opened.rows("SELECT action FROM sillok_decisions").map(\.values) == [["skip"]])
            await opened.close()
        }
    }

    @Test func `values come back as they were written`() async throws {
        try await withModel { model in
            try await model.write(
                ReadModelWrite([
                    .init("CREATE TABLE things (n BIGINT, r DOUBLE PRECISION, t TEXT, b BYTEA)"),
                    .init("INSERT INTO things VALUES (\(7), \(0.5), \("é'\\"), \([0, 255] as [UInt8]))"),
                    .init("INSERT INTO things VALUES (\(nil as Int?), \(nil as Double?), \(nil as String?), NULL)"),
                ]))
            let rows = try await model.rows("SELECT n, r, t, b, n * 2 AS d FROM things ORDER BY n")
            #expect(
                rows.map(\.values) == [[7, 0.5, "é'\\", .blob([0, 255]), 14], [.null, .null, .null, .null, .null]])
            #expect(rows[0].columns == ["n", "r", "t", "b", "d"])
            let sums = try await model.rows(
                "SELECT SUM(n) AS s, COUNT(*) AS c, AVG(r) AS a FROM things WHERE t = \("é'\\")")
            #expect(sums.map(\.values) == [[7, 1, 0.5]])
        }
    }

    @Test func `a condition that does not hold, and a change that fails, write nothing`() async throws {
        try await withModel { model in
            try await model.write(ReadModelWrite([.init("CREATE TABLE t (n BIGINT PRIMARY KEY)")]))
            await #expect(throws: ConditionFailed(index: 1, rows: [[0]])) {
                try await model.write(
                    ReadModelWrite(
                        [.init("INSERT INTO t VALUES (1)")],
                        if: [.init("SELECT 1", gives: [[1]]), .init("SELECT COUNT(*) FROM t", gives: [[1]])]))
            }
            let failure = await #expect(throws: ChangeFailed.self) {
                try await model.write(
                    ReadModelWrite([.init("INSERT INTO t VALUES (1)"), .init("INSERT INTO t VALUES (1)")]))
            }
            #expect(failure?.index == 1)
            await #expect(throws: ChangeFailed.self) {
                try await model.write(ReadModelWrite([.init("INSERT INTO t (n) SELECT 1; DROP TABLE t")]))
            }
            #expect(try await model.rows("SELECT * FROM t") == [])
            let refusal = await #expect(throws: StoreError.self) { try await model.rows("DELETE FROM t RETURNING n") }
            #expect(refusal?.code == .invalidQuery)
        }
    }

    @Test(
        arguments: [
            "UPDATE account_balance SET cents = 0", "DELETE FROM sillok_checkpoints", "COMMIT", "ROLLBACK",
            "SET search_path = public", "INSERT INTO \(table: "trespasser") VALUES (random())", "DROP SCHEMA public",
            "CREATE VIEW v AS SELECT 1", "SELECT * FROM \(raw: "account_balance")",
        ] as [SQL])
    func `a projection touches its own tables alone`(_ statement: SQL) async throws {
        try await withModel { model in
            let store = MemoryEventStore()
            try await store.append([EventData(type: "deposited", text: #"{"cents":1}"#)], to: "account-1")
            try await Projector(AccountBalance(), from: store, into: model).catchUp()
            let trespasser = Projector(
                Trespasser(statement: statement), from: store, into: model, options: .init(failures: .stop))
            await #expect(throws: ProjectionFailure.self) { try await trespasser.catchUp() }
            #expect(try await model.rows("SELECT * FROM trespasser") == [])
        }
    }

    @Test func `two processes write in turn, and a write whose connection was ended is made once`() async throws {
        try await withModel { model in
            try await model.write(
                ReadModelWrite([.init("CREATE TABLE n (n BIGINT)"), .init("INSERT INTO n VALUES (0)")]))
            let other = try await PostgresReadModel(TestServer.connection, schema: model.schema)
            let ending = TestServer.endingConnections(to: model.schema, every: .milliseconds(15))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for target in [model, other] {
                    group.addTask {
                        for _ in 0..<50 {
                            while true {
                                let now = try await target.rows("SELECT n FROM n")[0].values[0]
                                do {
                                    try await target.write(
                                        ReadModelWrite(
                                            [.init("UPDATE n SET n = n + 1")],
                                            if: [.init("SELECT n FROM n", gives: [[now]])]))
                                    break
                                } catch is ConditionFailed { continue }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            ending.cancel()
            try await ending.value
            #expect(try await model.rows("SELECT n FROM n").map(\.values) == [[100]])
            await other.close()
        }
    }
}
#endif
