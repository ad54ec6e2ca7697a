import SillokCore
import SillokSQL

/// Tries the dead letters of a sequence again, in their order: what is projected is taken out of the dead letters in
/// the same write, so that it happens once.
struct Redrive: Sendable {
    let runner: PartitionRunner
    let sequence: String

    private struct Letter: Sendable {
        let position: Position
        let attempts: Int64
        let event: RecordedEvent
    }

    /// Goes on until the sequence has no letters left, or one fails again.
    func run(_ standing: Standing) async throws -> Standing {
        var current = standing
        while true {
            try Task.checkCancellation()
            let letters = try await letters()
            if letters.isEmpty {
                current.setLetters(of: StreamID(sequence), to: 0)
                return current
            }
            var count = letters.count
            var failure: String?
            while true {
                let (write, failed) = try await write(letters.prefix(count), failure, current)
                do {
                    try await runner.ledger.model.write(write.write)
                    guard failed else { break }
                    current.setLetters(of: StreamID(sequence), to: try await lettersLeft())
                    return current
                } catch let error as ChangeFailed {
                    runner.maker.documents?.clear()
                    guard write.origins.indices.contains(error.index), write.origins[error.index] >= 0 else {
                        throw error
                    }
                    count = write.origins[error.index] + 1
                    failure = "\(error)"
                } catch is ConditionFailed {
                    throw try await runner.interlude(current.row)
                }
            }
        }
    }

    /// The changes of letters up to the first that fails, which is marked; what is known of the last one is `verdict`.
    private func write(
        _ letters: ArraySlice<Letter>, _ verdict: String?, _ standing: Standing
    ) async throws -> (write: (write: ReadModelWrite, origins: [Int]), failed: Bool) {
        let (maker, id) = (runner.maker, runner.id)
        var batch = Batch(before: standing, after: standing, events: [], isEnd: true)
        try await maker.documents?.load(letters.map(\.event), maker.rule)
        var isFailed = false
        for (index, letter) in letters.enumerated() {
            var reason = index == letters.count - 1 ? verdict : nil
            if reason == nil {
                do {
                    try maker.make(letter.event, index, &batch)
                } catch {
                    reason = "\(error)"
                }
            }
            let whose: SQL = "\(Ledger.whose(id)) AND position = \(letter.position)"
            if let reason {
                batch.add(
                    """
                    UPDATE sillok_dead_letters SET state = 'failed', error = \(reason),
                    attempts = \(letter.attempts &+ 1) \(whose)
                    """, of: nil)
                batch.add(
                    """
                    UPDATE sillok_dead_letters SET state = 'behind' \(Ledger.whose(id)) AND sequence = \(sequence)
                    AND position > \(letter.position) AND state = 'retry'
                    """, of: nil)
                isFailed = true
                break
            }
            batch.add("DELETE FROM sillok_dead_letters \(whose)", of: nil)
        }
        try maker.documents?.flush(into: &batch, id)
        let condition = standing.row.isUnchanged(id)
        return ((ReadModelWrite(batch.changes, if: [condition]), batch.origins), isFailed)
    }

    /// The next letters of the sequence with their events; a replaced one has its new payload.
    private func letters() async throws -> [Letter] {
        let rows = try await runner.ledger.model.rows(
            """
            SELECT position, event, attempts, replacement FROM sillok_dead_letters \(Ledger.whose(runner.id))
            AND sequence = \(sequence) AND state <> 'skipped' ORDER BY position LIMIT 200
            """)
        let store = runner.store
        let letters = try await withThrowingTaskGroup(of: Letter.self) { group in
            for row in rows {
                let position = Position(UInt64(clamping: row["position"].integer ?? 0))
                group.addTask {
                    let event = try await store.deadLetter(row["event"].text, at: position)
                    return Letter(
                        position: position, attempts: row["attempts"].integer ?? 0,
                        event: event.replacing(row["replacement"].text))
                }
            }
            return try await group.reduce(into: [Letter]()) { $0.append($1) }
        }
        return letters.sorted { $0.position < $1.position }
    }

    /// How many letters hold the sequence up.
    private func lettersLeft() async throws -> Int {
        let rows = try await runner.ledger.model.rows(
            """
            SELECT COUNT(*) AS letters FROM sillok_dead_letters \(Ledger.whose(runner.id))
            AND sequence = \(sequence) AND state <> 'skipped'
            """)
        return Int(clamping: rows.first?["letters"].integer ?? 0)
    }
}
