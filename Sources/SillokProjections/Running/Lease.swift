import SillokCore
import SillokSQL

/// The lease by which one of several processes runs a partition.
///
/// Clocks of two machines are never compared. A process that wants a partition watches the heartbeat of its holder. It
/// takes the partition over if the heartbeat did not change for a whole lease on its own clock. The token rises with
/// each holder and is a condition of every write, so a holder that lost its lease can write nothing.
struct Lease: Sendable {
    let ledger: Ledger
    let id: ProjectionID
    let owner: String

    /// Takes over a partition that is free, unless its row has changed meanwhile; then it returns `nil`.
    func take(_ row: PartitionRow) async throws -> PartitionRow? {
        var taken = row
        taken.owner = owner
        taken.token = row.token &+ 1
        do {
            try await ledger.model.write(
                ReadModelWrite(
                    [
                        .init(
                            """
                            UPDATE sillok_checkpoints SET owner = \(owner), token = \(taken.token)
                            \(Ledger.whose(id, row.number))
                            """)
                    ], if: [holds(row)]))
        } catch is ConditionFailed {
            return nil
        }
        return try await ledger.partition(row.number, of: id).flatMap { $0.token == taken.token ? $0 : nil }
    }

    /// Releases the partition, so that the next holder need not wait.
    func release(_ number: Int) async throws {
        try await ledger.model.write(
            ReadModelWrite([
                .init(
                    """
                    UPDATE sillok_checkpoints SET owner = '' \(Ledger.whose(id, number)) AND owner = \(owner)
                    """)
            ]))
    }

    private func holds(_ row: PartitionRow) -> ReadModelWrite.Condition {
        ReadModelWrite.Condition(
            "SELECT token, beat, position FROM sillok_checkpoints \(Ledger.whose(id, row.number))",
            gives: [[.integer(row.token), .integer(row.beat), row.checkpoint.position.sqlValue]])
    }
}

/// All leases that one projector holds.
///
/// One statement renews them, and one releases them, for any number of partitions. The name of a projector is unique,
/// and a process that takes a partition over replaces the name and raises the token. So a statement for the rows with
/// this name cannot renew a lease that was taken over. No write of a runner relies on that: each compares the token.
struct HeldLeases: Sendable {
    let ledger: Ledger
    let projection: String
    let owner: String

    /// Writes a heartbeat for all partitions.
    func renew() async throws { try await update("beat = beat + 1") }

    /// Releases all partitions, so that the next holder need not wait.
    func release() async throws { try await update("owner = ''") }

    private func update(_ assignment: SQL) async throws {
        try await ledger.model.write(
            ReadModelWrite([
                .init(
                    """
                    UPDATE sillok_checkpoints SET \(assignment) WHERE projection = \(projection) AND owner = \(owner)
                    """)
            ]))
    }
}
