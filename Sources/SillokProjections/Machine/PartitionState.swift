import SillokCore
import SillokSQL

/// What a runner knows of its partition as of the last batch that was made.
struct PartitionState: Sendable {
    /// A sequence whose first dead letter is tried again.
    struct Retry: Hashable, Sendable {
        /// When it is tried again, on the machine's clock.
        var due: Duration
        /// Whether an operator asked for it. Then one more failure is final.
        var isRequested = false
    }

    /// The row as the read model has it.
    var row: PartitionRow

    /// How far the partition has come. Progress without a change of rows is stored later, so it may be ahead of
    /// ``row``.
    var checkpoint: Checkpoint

    /// The sequences that are tried again.
    var retries: [StreamID: Retry]

    /// The number of dead letters of each sequence that has any.
    private(set) var parked: [StreamID: Int]

    /// The number of all dead letters.
    private(set) var deadLetters: Int

    /// What operators decided about events, as of the last look.
    let decisions: Decisions

    init(
        row: PartitionRow, parked: [StreamID: Int], retries: [StreamID: Retry] = [:], decisions: Decisions
    ) {
        self.row = row
        self.decisions = decisions
        self.parked = parked
        self.retries = retries
        checkpoint = row.checkpoint
        deadLetters = parked.values.reduce(0, +)
    }

    /// Whether the read model does not have the latest checkpoint yet.
    var isUnstored: Bool { checkpoint != row.checkpoint }

    /// When the next sequence is tried again.
    var nextRetry: (sequence: StreamID, due: Duration)? {
        let first = retries.min { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
        return first.map { ($0.key, $0.value.due) }
    }

    /// Counts one more dead letter of a sequence.
    mutating func park(_ sequence: StreamID) {
        parked[sequence, default: 0] += 1
        deadLetters += 1
    }

    /// Sets the number of dead letters that a sequence has left.
    mutating func setDeadLetters(of sequence: StreamID, to count: Int) {
        deadLetters += count - (parked[sequence] ?? 0)
        parked[sequence] = count > 0 ? count : nil
        if count == 0 { retries[sequence] = nil }
    }
}
