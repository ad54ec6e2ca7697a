import Sillok
import SillokProjections
import SillokSQL
import SillokSQLiteConnections
import SillokTesting
import Testing

@testable import SillokSQLite

/// The pragmas of connections, and how durable their writes are.
@Suite struct SettingsTests {
    @Test func `X8: on Apple systems a sync reaches the disk: each connection that writes is told so`() {
        let full = ["PRAGMA fullfsync = ON", "PRAGMA checkpoint_fullfsync = ON"]
        #expect(SQLiteSettings.writing(isDurable: true, on: .apple) == full + ["PRAGMA synchronous = FULL"])
        #expect(SQLiteSettings.writing(isDurable: false, on: .apple) == full + ["PRAGMA synchronous = NORMAL"])
        #expect(SQLiteSettings.writing(isDurable: true, on: .other) == ["PRAGMA synchronous = FULL"])
        #expect(SQLiteSettings.writing(isDurable: false, on: .other) == ["PRAGMA synchronous = NORMAL"])
    }

    @Test func `X8: SQLite knows the pragmas`() throws {
        let connection = try Connection(path: ":memory:", flags: 6, cacheKiB: 64)
        for pragma in SQLiteSettings.writing(isDurable: true, on: .apple) {
            try connection.run(pragma)
            let name = pragma.split(separator: " ")[1]
            #expect(try connection.number("PRAGMA \(name)") > 0, "\(pragma)")
        }
    }

    @Test func `O3: every write that records an operator's act is durable, and no other`() async throws {
        var books = try await Books(.sqlite)
        let watched = ActWatch(books.model)
        for account in 1...3 {
            try await books.append(.opened(owner: "Ada"), account)
            try await books.append(.poisoned(cents: 1), account)
        }
        let projector = Projector(Balances(), from: books.store, into: watched)
        let side = ReadSide(of: books.store, in: watched)
        let ada = Operator("Ada", because: "it must be")
        try await running(projector) {
            #expect(try await eventually { try await side.deadLetters(of: "balances").count == 3 })
            try await side.retry("balances", by: ada)
            try await side.skip("balances", at: 2, by: ada)
            try await side.replace("balances", at: 4, with: #"{"cents":1}"#, by: ada)
            try await side.pause("balances", by: ada)
            try await side.resume("balances", by: ada)
            _ = try await projector.rebuild(by: ada)
            try await side.promote("balances", by: ada, force: true)
            try await side.rollback("balances", by: ada)
        }
        let audit = try await side.audit().map(\.action)
        #expect(Set(audit).isSuperset(of: ["retry", "skip", "replace", "pause", "resume", "promote", "rollback"]))
        let (durable, others, wrong) = watched.counts
        #expect(durable >= audit.count && others > 3)
        #expect(wrong == 0)
        await watched.model.close()
    }
}

/// A read model that counts writes by whether they are durable.
private final class ActWatch: ReadModel {
    let model: TestedModel
    private let state = Lock((durable: 0, others: 0, wrong: 0))

    init(_ model: TestedModel) { self.model = model }

    var counts: (durable: Int, others: Int, wrong: Int) { state.withLock { $0 } }

    func write(_ write: ReadModelWrite) async throws {
        let isAct = write.changes.contains { $0.statement.text { "?\($0)" }.contains("sillok_audit") }
        state.withLock { state in
            if write.isDurable { state.durable += 1 } else { state.others += 1 }
            if write.isDurable != isAct { state.wrong += 1 }
        }
        try await model.write(write)
    }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await model.rows(query, of: projection)
    }
}
