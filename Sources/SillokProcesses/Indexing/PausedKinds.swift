import SillokCore
package import SillokProcessMachine
package import SillokReadSide
package import SillokSQL

/// The paused kinds of effects of a process, in the read model of its index: all runners and operators see them, and
/// they survive restarts.
package struct PausedKinds: Sendable {
    let model: any ReadModel
    let tables: ProcessTables
    let build: ProjectionID

    package init(model: any ReadModel, tables: ProcessTables, build: ProjectionID) {
        self.model = model
        self.tables = tables
        self.build = build
    }

    /// Whether the build has the table. While an index of an older version is live, no kind is paused.
    private var isKept: Bool { build.version >= 3 }

    /// Returns the kinds in the order of their names.
    package func all() async throws -> [PausedKind] {
        guard isKept else { return [] }
        let query: SQL = "SELECT kind, since, next, tries, reason FROM \(table: tables.kinds) ORDER BY kind"
        return try await model.rows(query.ofSillok, of: build).map { row in
            PausedKind(
                kind: try row.text("kind"), since: try row.time("since"), nextTry: try row.time("next"),
                tries: try row.count("tries"), reason: try row.text("reason"))
        }
    }

    /// Pauses a kind, unless another runner has paused it.
    func add(_ kind: PausedKind) async throws {
        guard isKept else { return }
        try await write(
            """
            INSERT INTO \(table: tables.kinds) (kind, since, next, tries, reason)
            VALUES (\(kind.kind), \(kind.since), \(kind.nextTry), \(kind.tries), \(kind.reason.shortened))
            ON CONFLICT (kind) DO NOTHING
            """)
    }

    /// Takes the right to try a call. Returns `false` if another runner has it, or the kind continues by now.
    func claim(_ kind: PausedKind, as trying: PausedKind) async throws -> Bool {
        let change: SQL = """
            UPDATE \(table: tables.kinds) SET since = \(trying.since), next = \(trying.nextTry), tries = \(trying.tries)
            WHERE kind = \(kind.kind)
            """
        let condition = ReadModelWrite.Condition(
            "SELECT next, tries FROM \(table: tables.kinds) WHERE kind = \(kind.kind)",
            gives: [[.integer(kind.nextTry.microsecondsSince1970), .integer(Int64(kind.tries))]])
        do {
            try await model.write(ReadModelWrite([.init(change, of: build)], if: [condition]))
            return true
        } catch is ConditionFailed {
            return false
        }
    }

    /// Notes the error of the call that was tried.
    func note(_ reason: String, of kind: String) async throws {
        try await write(
            "UPDATE \(table: tables.kinds) SET reason = \(reason.shortened) WHERE kind = \(kind)")
    }

    /// Lets a kind continue.
    func remove(_ kind: String) async throws { try await write(removal(of: kind)) }

    /// Lets a kind continue, because an operator wants it. The act is in the audit of the read model.
    package func remove(_ kind: String, by whom: Operator, at now: Timestamp) async throws {
        let act = whom.did("resume", to: build, detail: "effects \(kind)", at: now)
        try await model.write(ReadModelWrite([.init(removal(of: kind), of: build), act]))
    }

    private func removal(of kind: String) -> SQL { "DELETE FROM \(table: tables.kinds) WHERE kind = \(kind)" }

    private func write(_ statement: SQL) async throws {
        try await model.write(ReadModelWrite([.init(statement, of: build)]))
    }
}
