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

    /// Takes the partition over if no process holds it, or if its holder shows no heartbeat for the duration of the
    /// lease. Returns `nil` if it is held.
    func take(_ row: PartitionRow, _ lease: Duration, _ clock: any Clock<Duration>) async throws -> PartitionRow? {
        if !row.owner.isEmpty {
            try await clock.sleep(for: lease)
            guard let now = try await ledger.partition(row.number, of: id), now.token == row.token,
                now.beat == row.beat, now.checkpoint == row.checkpoint
            else { return nil }
        }
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

    /// Writes a heartbeat.
    func beat(_ row: PartitionRow) async throws {
        try await ledger.model.write(
            ReadModelWrite([
                .init(
                    """
                    UPDATE sillok_checkpoints SET beat = beat + 1 \(Ledger.whose(id, row.number))
                    AND token = \(row.token)
                    """)
            ]))
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
