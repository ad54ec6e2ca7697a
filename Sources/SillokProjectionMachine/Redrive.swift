package import SillokCore
import SillokReadSide
import SillokSQL

/// A dead letter together with its event.
package struct ParkedDeadLetter: Sendable {
    package let position: Position
    let attempts: Int
    /// The event, with its replacement payload if an operator gave it one.
    let event: RecordedEvent

    package init(position: Position, attempts: Int, event: RecordedEvent) {
        self.position = position
        self.attempts = attempts
        self.event = event
    }
}

/// The retry of the dead letters of a sequence, in order. The write that projects a letter also deletes it.
struct Redrive: Sendable {
    let sequence: StreamID

    /// The first dead letters of the sequence; `nil` until they were read.
    private(set) var letters: [ParkedDeadLetter]?
    /// The number of dead letters of the sequence, excluding skipped ones.
    private var total = 0
    /// The number of letters in the next write.
    private var count = 0
    /// Why the last letter of the next write fails, if known.
    private var verdict: String?
    /// The index of the letter that fails in the current write.
    private var failing: Int?
    private var batch: Batch?
    /// Whether a publisher has passed the events of the letters on.
    private(set) var isDelivered = false

    init(_ sequence: StreamID) { self.sequence = sequence }

    /// The events of the letters in the next write.
    var events: [RecordedEvent] { letters?.prefix(count).map(\.event) ?? [] }

    /// Notes which letters the sink of a publisher did not take.
    mutating func takeDelivered(_ failures: [Position: any Error]) {
        isDelivered = true
        guard let index = letters?.firstIndex(where: { failures[$0.position] != nil }),
            let error = (letters?[index].position).flatMap({ failures[$0] })
        else { return }
        (count, verdict) = (index + 1, "\(error)")
    }

    /// Stores the letters that were read.
    mutating func take(_ letters: [ParkedDeadLetter], total: Int) {
        self.letters = letters
        self.total = total
        count = letters.count
    }

    /// Returns the batch that projects letters up to the first that fails, and that records the failure. Returns `nil`
    /// if a document could not be encoded. Then the documents are cleared: load them and call this again.
    mutating func batch(
        _ maker: BatchMaker, after state: PartitionState, _ documents: inout DocumentCache?, now: Duration
    ) -> Batch? {
        let page = EventBatch(events: events, mark: .start, isEnd: true, head: .start)
        var batch = Batch(page, after: state)
        failing = nil
        for (index, letter) in (letters ?? []).prefix(count).enumerated() {
            if let reason = reason(letter, index, maker, &batch, &documents) {
                failing = index
                fail(letter, reason, maker, &batch, now)
                break
            }
            batch.add("DELETE FROM sillok_dead_letters \(Self.place(maker.id, letter.position))", of: nil)
        }
        do {
            if documents != nil { try documents?.flush(into: &batch, maker.id) }
        } catch {
            documents?.clear()
            refused(.document(error.key), error.reason, batch.touched)
            return nil
        }
        batch.after.setDeadLetters(of: sequence, to: total - (failing ?? count))
        batch.raiseEpoch(maker.id)
        self.batch = batch
        return batch
    }

    /// Notes that the read model rejected a change of the batch; returns `false` if the change is not that of an event.
    mutating func refused(_ origin: Batch.Origin, _ reason: String) -> Bool {
        if origin == .bookkeeping { return false }
        refused(origin, reason, batch?.touched ?? [:])
        return true
    }

    /// Whether more letters of the sequence can be projected.
    var hasMore: Bool { failing == nil && total > count }

    private mutating func refused(_ origin: Batch.Origin, _ reason: String, _ touched: [StreamID: [Int]]) {
        switch origin {
        case .bookkeeping: break
        case .event(let index): (count, verdict) = (index + 1, reason)
        case .document(let key):
            let indices = touched[key] ?? []
            // If only one letter changes the document, the rejected change is that letter's.
            (count, verdict) = indices.count > 1 ? (indices[1], nil) : ((indices.first ?? 0) + 1, reason)
        }
    }

    private func reason(
        _ letter: ParkedDeadLetter, _ index: Int, _ maker: BatchMaker, _ batch: inout Batch,
        _ documents: inout DocumentCache?
    ) -> String? {
        if index == count - 1, let verdict { return verdict }
        do {
            try maker.apply(letter.event, index, &batch, &documents)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func fail(
        _ letter: ParkedDeadLetter, _ reason: String, _ maker: BatchMaker, _ batch: inout Batch, _ now: Duration
    ) {
        let attempts = letter.attempts + 1
        let isRequested = batch.before.retries[sequence]?.isRequested ?? true
        let pause = isRequested ? nil : maker.pause(afterAttempt: attempts, of: letter.event)
        let state: DeadLetter.State = pause == nil ? .failed : .retrying
        batch.add(
            """
            UPDATE sillok_dead_letters SET state = \(state.rawValue), error = \(reason), attempts = \(attempts)
            \(Self.place(maker.id, letter.position))
            """, of: nil)
        batch.after.retries[sequence] = pause.map { PartitionState.Retry(due: now + $0) }
        guard pause == nil else { return }
        batch.add(
            """
            UPDATE sillok_dead_letters SET state = 'behind' \(Ledger.whose(maker.id)) AND sequence = \(sequence)
            AND position > \(letter.position) AND state IN ('retry', 'retrying')
            """, of: nil)
    }

    private static func place(_ id: ProjectionID, _ position: Position) -> SQL {
        "\(Ledger.whose(id)) AND position = \(position)"
    }
}
