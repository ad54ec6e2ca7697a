public import SillokCore
import SillokIndex
public import SillokThreads

/// The thread that writes a store on a disk, and what every such store does around an append.
///
/// Inlinable, because each append passes here, see ``GroupCommit``.
@usableFromInline
package final class StoreAppends<Writer: StoreWriter>: Sendable {
    @usableFromInline let commits: GroupCommit<Writer.Work, WorkAnswer>
    @usableFromInline let handover: Handover<Writer>
    @usableFromInline let removal: Lock<FileRemoval>
    @usableFromInline let observer: Lock<CommitObserver>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - handover: what the thread works with.
    ///   - lock: the lock of the store, which the thread holds for as long as it runs.
    ///   - isNew: whether this opening has made the store.
    ///   - remove: removes the files of the store. It is called when they are closed and the lock is still held.
    @inlinable
    package init<FileLock: AnyObject & Sendable>(
        _ handover: Handover<Writer>, lock: FileLock, isNew: Bool, _ limits: Limits, announcingTo signal: HeadSignal,
        remove: @escaping @Sendable (FileLock) -> Void
    ) {
        let (removal, observer) = (Lock(FileRemoval.none), Lock(CommitObserver()))
        let held = Handover(lock)
        (self.removal, self.observer, self.handover) = (removal, observer, handover)
        commits = GroupCommit(
            maximumWeight: 8192, queueBytes: limits.queueBytes,
            commit: { work in
                guard let writer = handover.value else {
                    return work.map { _ in .failure(StoreError.storeClosed) }
                }
                return Self.execute(work, writer, signal, observer)
            },
            afterCommit: { handover.value?.maintain() },
            atEnd: {
                let isUnused = handover.value?.finish() ?? false
                handover.release()
                let removal = removal.withLock { $0 }
                if let lock = held.value, removal == .always || removal == .ifUnused && isNew && isUnused {
                    remove(lock)
                }
                held.release()
            })
    }

    @inlinable
    static func execute(
        _ work: [Writer.Work], _ writer: Writer, _ signal: HeadSignal, _ observer: Lock<CommitObserver>
    ) -> [Result<WorkAnswer, any Error>] {
        let answers = writer.execute(work)
        if let failure = writer.failure, failure.code == .fileReplaced { signal.fail(failure) }
        let appends = work.compactMap { $0.append?.prepared.request }
        announce(work, answers, to: signal)
        // Their appends were not acknowledged, but readers see the events.
        if let head = writer.unacknowledgedHead { signal.advance(to: head) }
        if let observe = observer.withLock({ $0.observe }), !appends.isEmpty {
            let events = appends.reduce(0) { $0 + $1.entries.count }
            observe(
                CommitMeasurement(
                    appends: appends.count, events: events, syncTime: writer.syncTime, logBytes: writer.logBytes))
        }
        return answers
    }

    /// Wakes the readers that wait for events of a group that was committed.
    @inlinable
    static func announce(
        _ work: [Writer.Work], _ answers: [Result<WorkAnswer, any Error>], to signal: HeadSignal
    ) {
        var (appends, last): ([AppendRequest], Position) = ([], .start)
        for (work, answer) in zip(work, answers) {
            guard let append = work.append, case .success(.appended(_, let head)) = answer else { continue }
            appends.append(append.prepared.request)
            last = max(last, head)
        }
        signal.announce(appends, through: last)
    }

    /// Records an append. A condition that takes the writer too long is judged by `judge` meanwhile.
    @inlinable
    package func record(
        _ append: Writer.Work.Append, judge: (PreparedAppend) async throws -> PreparedAppend
    ) async throws -> Receipt {
        var append = append
        for _ in 0..<PreparedAppend.attempts {
            switch try await commits.submit(
                .append(append), weight: append.weight, bytes: append.retainedBytes)
            {
            case .appended(let receipt, _): return receipt
            case .undecided: append = append.judged(as: try await judge(append.prepared))
            case .modelled: throw StoreError.wrongAnswer
            }
        }
        throw Self.outpaced
    }

    @usableFromInline static var outpaced: StoreError { .outpaced }

    /// Uses the read model in the files of the store. The caller waits for each request, so the queue needs no bound.
    ///
    /// - Returns: whether the request is done.
    package func use(_ work: Writer.Work) async throws -> Bool {
        guard case .modelled(let isDone) = try await commits.submit(work, weight: work.weight) else {
            throw StoreError.wrongAnswer
        }
        return isDone
    }

    /// Runs `body` once on the thread, when nothing waits.
    package func whenIdle(_ body: @escaping @Sendable (Writer) -> Void) {
        commits.whenIdle { [handover] in if let writer = handover.value { body(writer) } }
    }

    /// Calls `observe` after every commit that contains appends, on the thread that writes.
    package func onCommit(_ observe: @escaping @Sendable (CommitMeasurement) -> Void) {
        observer.withLock { $0.observe = observe }
    }

    /// The bytes of the appends that wait or are being committed.
    package var queuedBytes: Int { commits.heldBytes }

    /// Finishes the waiting requests, ends the thread, and then removes the files if it is to.
    package func close(removing removal: FileRemoval) async {
        if removal != .none { self.removal.withLock { $0 = removal } }
        await commits.close(refusing: StoreError.storeClosed)
    }

    /// Refuses new requests and lets the thread end.
    package func abandon() { commits.abandon(refusing: StoreError.storeClosed) }
}
