public import SillokCore
import SillokStorage
import SillokThreads

extension LogEventStore {
    /// Verifies everything that is stored: checksums, positions, times, revisions, and the index against the log.
    ///
    /// Works on one state of the log, next to readers and writers, on a thread of its own. Memory grows with the number
    /// of streams, because each stream's last revision must be known at its next event, but not with the number of
    /// events.
    /// - Parameter progress: called at intervals with the progress, on the thread that verifies.
    /// - Returns: a report with the findings. Data that cannot be read is a finding too.
    /// - Throws: `CancellationError` when the task is cancelled; `StoreError`: `closed` if the store is closed
    ///   meanwhile, `fileReplaced` if the path leads to another store by now.
    public func verify(
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> VerificationReport {
        try await reads.longWork.runOnThread { [makeReader, damage] cancellation in
            try Result {
                var verification = LogVerification(
                    try makeReader(), cancellation, damage: damage, report: progress)
                return try verification.run()
            }.mapError(StoreError.reading).get()
        }
    }
}
