import SillokCore
import SillokProcessMachine
import SillokProjections
import SillokReadSide
import SillokSQL

/// A row of the work.
struct WorkRow: Hashable, Sendable {
    let id: EventID
    let key: String
    let position: Position
    let look: Int64
    let attempts: Int

    init(_ row: SQLRow) throws {
        guard let id = EventID(try row.text("id")) else {
            throw StoreError(.corrupt, "a row of the work of a process has no readable id: \(row).")
        }
        self.id = id
        key = try row.text("key")
        position = try row.position("position")
        look = try row.integer("look")
        attempts = try row.count("attempts")
    }
}

/// The rows of the index, as the runner reads and postpones them. Each query reads at most one page.
struct WorkList: Sendable {
    let model: any ReadModel
    let tables: ProcessTables
    let build: ProjectionID

    private static let columns: SQL = "SELECT id, key, position, look, attempts FROM"

    private func rows(_ query: SQL) async throws -> [WorkRow] {
        try await model.rows(query, of: build).map { try WorkRow($0) }
    }

    /// Returns rows of a kind that are due, of each shard the same number at most, the longest due first.
    func due(_ kind: WorkKind, _ shards: [Int], at now: Timestamp, limit: Int) async throws -> [WorkRow] {
        var found: [WorkRow] = []
        let limit = max(1, limit / max(1, shards.count))
        for shard in shards {
            found += try await rows(
                """
                \(Self.columns) \(table: tables.work) WHERE shard = \(shard) AND kind = \(kind.text) AND look <= \(now)
                ORDER BY look, position LIMIT \(limit)
                """)
        }
        return found
    }

    /// Returns the first rows of a kind of an instance, up to a position, in the order of the log.
    func first(_ kind: WorkKind, of key: String, through head: Position, limit: Int) async throws -> [WorkRow] {
        try await rows(
            """
            \(Self.columns) \(table: tables.work) WHERE key = \(key) AND kind = \(kind.text) AND position <= \(head)
            ORDER BY position LIMIT \(limit)
            """)
    }

    /// Returns the kinds of effects that wait.
    func effectKinds(_ shards: [Int]) async throws -> [String] {
        if shards.isEmpty { return [] }
        let kinds = tables.kinds(of: shards, after: "effect", before: "effecu")
        return try await model.rows(
            "\(kinds) SELECT DISTINCT kind FROM k WHERE kind <> 'effect' ORDER BY kind", of: build
        )
        .map { String(try $0.text("kind").dropFirst("effect:".count)) }
    }

    /// Returns the time of the next row of a kind; `nil` if none waits.
    func next(_ kind: WorkKind, _ shards: [Int]) async throws -> Timestamp? {
        var next: Int64?
        for shard in shards {
            let rows = try await model.rows(
                """
                SELECT MIN(look) AS look FROM \(table: tables.work) WHERE shard = \(shard) AND kind = \(kind.text)
                """, of: build)
            if let look = rows.first?["look"].integer, look < ProcessTables.never { next = min(next ?? look, look) }
        }
        return next.map { Timestamp(microsecondsSince1970: $0) }
    }

    /// Returns the streams whose events are dead letters of the index.
    func deadLetterStreams() async throws -> [StreamID] {
        let rows = try await model.ownRows(
            """
            SELECT DISTINCT sequence FROM sillok_dead_letters \(Ledger.whose(build)) AND state <> 'skipped'
            """)
        return try rows.map { StreamID(try $0.text("sequence")) }
    }

    /// Removes a row that the log contradicts, or that has no effect.
    func remove(_ row: WorkRow) async throws {
        try await write(
            "DELETE FROM \(table: tables.work) WHERE id = \(row.id.description) AND key = \(row.key)")
    }

    /// Lets an event wait until its instance starts.
    func hold(_ row: WorkRow) async throws {
        try await write(
            """
            UPDATE \(table: tables.work) SET kind = \(WorkKind.held.text)
            WHERE id = \(row.id.description) AND key = \(row.key)
            AND NOT EXISTS (
                SELECT 1 FROM \(table: tables.instances) WHERE key = \(row.key) AND generation > 0)
            """)
    }

    /// Proposes a row again at a time, after a failure if there was one.
    func postpone(_ row: WorkRow, to time: Timestamp, after failure: (any Error)? = nil) async throws {
        try await write(
            """
            \(postponing(to: time, after: failure))
            WHERE id = \(row.id.description) AND key = \(row.key) AND look < \(ProcessTables.never)
            """)
    }

    /// Proposes all rows of a kind of an instance again at a time, after a failure if there was one.
    func postpone(_ kind: WorkKind, of key: String, to time: Timestamp, after failure: (any Error)? = nil) async throws
    {
        try await write(
            """
            \(postponing(to: time, after: failure))
            WHERE key = \(key) AND kind = \(kind.text) AND look < \(ProcessTables.never)
            """)
    }

    private func postponing(to time: Timestamp, after failure: (any Error)?) -> SQL {
        let text: SQL = failure.map { ", failure = \("\($0)".shortened)" } ?? ""
        return "UPDATE \(table: tables.work) SET look = \(time), attempts = attempts + 1\(text)"
    }

    /// Proposes no row of a parked instance, of those too that came after it was parked.
    func shelve(_ key: String) async throws {
        try await write(
            """
            UPDATE \(table: tables.work) SET look = \(ProcessTables.never)
            WHERE key = \(key) AND kind <> \(WorkKind.act.text)
            """)
    }

    private func write(_ statement: SQL) async throws {
        try await model.write(ReadModelWrite([.init(statement, of: build)]))
    }
}
