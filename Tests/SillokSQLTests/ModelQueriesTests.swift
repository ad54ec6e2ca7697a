import SillokCore
import SillokSQL
import Testing

@Suite(.timeLimit(.minutes(10))) struct ModelQueriesTests {
    @Test("W1: a cancelled query that waits behind a long one is answered at once and never runs")
    func cancelledInQueue() async throws {
        let (gate, templates) = (Gate(), Lock([String]()))
        defer { gate.open() }
        let queries = ModelQueries(closed: StoreError(.closed, "the read model is closed.")) {
            return { query in
                templates.withLock { $0.append(query.sql.template) }
                gate.pass()
                return []
            }
        }
        let long = Task { try await queries.rows("SELECT 1", nil) }
        try await until { gate.arrived == 1 }
        let cancelled = Task { try await queries.rows("SELECT 2", nil) }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await value(of: cancelled) }
        gate.open()
        #expect(try await value(of: long).isEmpty)
        #expect(templates.withLock { $0 } == ["SELECT 1"])
        try await value(of: Task { await queries.close() })
    }

    @Test("house 10: only what Sillok asks for itself has its own thread, and the text of a query decides nothing")
    func ownThread() async throws {
        let gate = Gate()
        defer { gate.open() }
        let queries = ModelQueries(closed: StoreError(.closed, "the read model is closed.")) {
            return { query in
                if query.sql.template == "SELECT 1" { gate.pass() }
                return []
            }
        }
        let long = Task { try await queries.rows("SELECT 1", nil) }
        try await until { gate.arrived == 1 }
        #expect(try await queries.rows(SQL("SELECT * FROM sillok_builds").ofSillok, nil).isEmpty)
        let behind = Task { try await queries.rows("SELECT 'sillok_' AS prefix", nil) }
        behind.cancel()
        await #expect(throws: CancellationError.self) { try await value(of: behind) }
        gate.open()
        #expect(try await value(of: long).isEmpty)
        try await value(of: Task { await queries.close() })
    }
}
