package import SillokCore
package import SillokReadSide
package import SillokSQL

/// The state of a partition as known to its runner, as of the last batch that was made.
package struct PartitionState: Sendable {
    /// The retry of a sequence's first dead letter.
    package struct Retry: Hashable, Sendable {
        /// The time of the retry, on the machine's clock.
        var due: Duration
        /// Whether an operator requested it. Then one more failure is final.
        var isRequested = false

        package init(due: Duration, isRequested: Bool = false) {
            self.due = due
            self.isRequested = isRequested
        }
    }

    /// The row in the read model.
    package internal(set) var row: PartitionRow

    /// The progress of the partition. Progress that changes no rows is stored later, so it may be ahead of ``row``.
    package internal(set) var checkpoint: Checkpoint

    /// The sequences that will be retried.
    var retries: [StreamID: Retry]

    /// The number of dead letters of each sequence that has any.
    private(set) var parked: [StreamID: Int]

    /// The total number of dead letters.
    package private(set) var deadLetters: Int

    /// The decisions of operators about events, as of the last read.
    let decisions: Decisions

    package init(
        row: PartitionRow, parked: [StreamID: Int], retries: [StreamID: Retry] = [:], decisions: Decisions
    ) {
        self.row = row
        self.decisions = decisions
        self.parked = parked
        self.retries = retries
        checkpoint = row.checkpoint
        deadLetters = parked.values.reduce(0, +)
    }

    /// Whether the latest checkpoint is not stored in the read model yet.
    package var isUnstored: Bool { checkpoint != row.checkpoint }

    /// The next sequence to retry and the time of its retry.
    var nextRetry: (sequence: StreamID, due: Duration)? {
        let first = retries.min { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
        return first.map { ($0.key, $0.value.due) }
    }

    /// Delays a retry that no operator has requested until a time on the machine's clock.
    package mutating func delayRetry(of sequence: StreamID, until due: Duration) {
        if retries[sequence]?.isRequested == false { retries[sequence]?.due = due }
    }

    /// Adds one dead letter to a sequence.
    mutating func park(_ sequence: StreamID) {
        parked[sequence, default: 0] += 1
        deadLetters += 1
    }

    /// Sets the number of dead letters of a sequence.
    mutating func setDeadLetters(of sequence: StreamID, to count: Int) {
        deadLetters += count - (parked[sequence] ?? 0)
        parked[sequence] = count > 0 ? count : nil
        if count == 0 { retries[sequence] = nil }
    }
}
