#if Postgres
import SillokCore
import SillokIndex
import SillokThreads

/// The caller's part of an append, before and after the writer.
///
/// Conditions that may take long are judged by separate readers, so that neither the writer nor the lock of the store
/// waits for them. These readers also find the reasons for a rejection, because the log does not change below the head
/// at which the append was judged.
struct Appending: Sendable {
    /// Reads the log on a connection of the judges. The read ends when the task is cancelled.
    let reading: @Sendable (Lane, @escaping @Sendable (EventReader) throws -> Outcome) async throws -> Outcome
    /// Passes an append to the writer.
    let writing: @Sendable (PreparedAppend) async throws -> Verdict
    let limits: Limits

    typealias Lane = ReaderPool<Session>.Lane

    enum Outcome: Sendable {
        case prepared(PreparedAppend)
        case receipt(Receipt)
    }

    /// A lookup counts as much as reading this number of adjacent index entries.
    private static let stepsOfRevision = 8
    /// The maximum number of times that an append is judged because too many events were appended meanwhile.
    private static let attempts = 5

    /// Executes an append.
    ///
    /// - Parameter head: the last position of the log that this process knows.
    func callAsFunction(_ request: AppendRequest, head: Position) async throws -> Receipt {
        var prepared = PreparedAppend(request)
        // Expected revisions are looked up under the lock.
        if prepared.condition.revisions.count > limits.conditionSteps / Self.stepsOfRevision {
            throw StoreError.tooExpensive(prepared.condition, nil, limits: limits, head: head)
        }
        if prepared.isExpensive(head: head) { prepared = try await judged(prepared) }
        for _ in 0..<Self.attempts {
            let verdict = try await writing(prepared)
            switch verdict.status {
            case .stored(let receipt, _): return receipt
            case .undecided: prepared = try await judged(prepared)
            case .otherLog:
                // Throws, unless others have appended the event meanwhile, or the log was set back after it was judged.
                prepared = try await judged(PreparedAppend(request, asked: prepared.asked))
            default: return try await refused(prepared, verdict)
            }
        }
        throw StoreError.outpaced
    }

    private func judged(_ prepared: PreparedAppend) async throws -> PreparedAppend {
        guard case .prepared(let judged) = try await reading(.long, { .prepared(try $0.judged(prepared)) }) else {
            throw AppendAnswers.unreadable
        }
        return judged
    }

    /// Returns the receipt of an append that was made before.
    ///
    /// - Throws: the reason why an append was rejected.
    private func refused(_ prepared: PreparedAppend, _ verdict: Verdict) async throws -> Receipt {
        do {
            let outcome = try await reading(.quick) { .receipt(try $0.answer(to: prepared, verdict)) }
            guard case .receipt(let receipt) = outcome else { throw AppendAnswers.unreadable }
            return receipt
        } catch let error as StoreError {
            guard case .idKnown = verdict.status else { throw error }
            // The events with these ids are recorded, but it could not be read whether this append recorded them.
            throw StoreError(
                error.code, error.message, outcome: .unknown, cause: error.cause, retryAfter: error.retryAfter)
        }
    }
}

extension EventReader {
    /// Returns the answer to an append that was not stored now.
    fileprivate func answer(to append: PreparedAppend, _ verdict: Verdict) throws -> Receipt {
        let request = append.request
        switch verdict.status {
        case .stored(let receipt, _): return receipt
        case .idKnown:
            guard let receipt = try request.firstReceipt(known: try events(request.entries.map(\.event.id))) else {
                throw StoreError(.corrupt, "an event id is in the index and not in the log.")
            }
            return receipt
        case .conflict: throw try conflict(of: append, head: verdict.head)
        case .tracked(let recorded):
            guard let tracking = request.tracking else { throw AppendAnswers.unreadable }
            throw TrackingConflict(given: tracking, recorded: recorded)
        case .timeRunsBackwards(let index, let last):
            guard index < request.entries.count, let given = request.entries[index].recordedAt else {
                throw AppendAnswers.unreadable
            }
            throw InvalidRequest(.timeRunsBackwards(given: given, last: last), index: index)
        case .undecided, .otherLog: throw AppendAnswers.unreadable
        }
    }
}
#endif
