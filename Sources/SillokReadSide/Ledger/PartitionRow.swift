import SillokCore
package import SillokSQL

/// The progress of a partition, and the process that runs it.
package struct PartitionRow: Hashable, Sendable {
    package let number: Int
    package var checkpoint: Checkpoint
    package var epoch: Int64
    package var owner: String
    package var token: Int64
    package var beat: Int64

    package init(number: Int, checkpoint: Checkpoint, epoch: Int64, owner: String, token: Int64, beat: Int64) {
        self.number = number
        self.checkpoint = checkpoint
        self.epoch = epoch
        self.owner = owner
        self.token = token
        self.beat = beat
    }

    package init(_ row: SQLRow) throws {
        guard let store = StoreID(try row.text("store")) else {
            throw StoreError(.corrupt, "a checkpoint of the read model has no readable store: \(row).")
        }
        number = try row.count("partition")
        checkpoint = Checkpoint(
            store: store, mark: ReadModelFormat.mark(try row.integer("position"), row["mark"]),
            count: UInt64(bitPattern: try row.integer("count")), sum: UInt64(bitPattern: try row.integer("sum")))
        epoch = try row.integer("epoch")
        owner = try row.text("owner")
        token = try row.integer("token")
        beat = try row.integer("beat")
    }

    /// Returns the condition that the row has not changed; the heartbeat may differ.
    package func isUnchanged(_ id: ProjectionID) -> ReadModelWrite.Condition {
        ReadModelWrite.Condition(
            "SELECT position, count, sum, epoch, token FROM sillok_checkpoints \(Ledger.whose(id, number))",
            gives: [
                [
                    checkpoint.position.sqlValue, .integer(Int64(bitPattern: checkpoint.count)),
                    .integer(Int64(bitPattern: checkpoint.sum)), .integer(epoch), .integer(token),
                ]
            ])
    }

    /// Returns the statement that moves the checkpoint.
    package func moving(_ id: ProjectionID, to checkpoint: Checkpoint) -> SQL {
        ReadModelFormat.move(id, number, to: checkpoint)
    }

    /// Returns the statement that adds a partition with its first checkpoint.
    package static func insertion(_ id: ProjectionID, _ number: Int, _ checkpoint: Checkpoint) -> SQL {
        """
        INSERT INTO sillok_checkpoints (
            projection, version, build, "partition", store, position, count, sum, epoch, owner, token, beat, mark)
        VALUES (
            \(id.name), \(id.version), \(id.build), \(number), \(checkpoint.store.description), \(checkpoint.position),
            \(Int64(bitPattern: checkpoint.count)), \(Int64(bitPattern: checkpoint.sum)), 0, '', 0, 0,
            \(checkpoint.mark.description))
        """
    }
}
