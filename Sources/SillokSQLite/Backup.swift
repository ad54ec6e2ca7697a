public import SillokCore
import SillokSQL
import SillokSQLiteConnections
import SillokStorage
import SillokSystem
import SillokThreads

extension SQLiteEventStore {
    /// Writes a copy of the store into a new file, while others read and write, and verifies it.
    ///
    /// The copy is one snapshot: everything that was acknowledged before the call, with the same identity, positions
    /// and ids. The file gets its name only when it is complete, on the disk and verified. To restore it, open it as a
    /// store.
    /// - Parameters:
    ///   - path: the new file.
    ///   - progress: called at intervals with the progress of the verification.
    /// - Returns: a report on the copy.
    /// - Throws: `StoreError`: `readOnly` if there is something at `path`, `locked` if another backup writes to it,
    ///   `full`, `ioFailure`, `corrupt` if the copy is not sound, `closed` if the store is closed meanwhile,
    ///   `fileReplaced`; `CancellationError` when the task is cancelled. An error leaves no incomplete copy at `path`.
    public func backup(
        to path: String, progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> BackupReport {
        let (file, limits, tuning) = (file, limits, tuning)
        return try await reads.longWork.runOnThread { cancellation in
            let partial = path + ".partial"
            let lock = try FileLock(path: partial + "-lock") { holder in
                "Another backup\(holder) writes to \(path) at this moment. Wait for it, or give the copy another name."
            }
            // Under the lock, so that no other backup has put its copy there since.
            if access(path, F_OK) == 0 {
                lock.removeFile()
                throw StoreError(.readOnly, "a file already exists at \(path): give the copy another name.")
            }
            defer {
                for ending in ["", "-wal", "-shm", "-journal"] { unlink(partial + ending) }
                lock.removeFile()
            }
            unlink(partial)
            try file.writeCopy(to: partial, cancellation)
            let copy = StoreOpening(path: partial, mode: .readOnly, limits: limits, tuning: tuning)
            let (report, head) = try copy.verified(progress, cancellation)
            guard report.isSound else {
                throw StoreError(.corrupt, "the copy is not sound: \(report.findings.first.map { "\($0)" } ?? "").")
            }
            return BackupReport(head: head, bytes: try Self.keep(partial, as: path), verification: report)
        }
    }

    /// Syncs the copy and its name to the disk, which SQLite leaves to the caller.
    private static func keep(_ partial: String, as path: String) throws -> UInt64 {
        let descriptor = open(partial, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unwritten(path) }
        defer { shut(descriptor) }
        var facts = stat()
        guard synchronize(descriptor) == 0, fstat(descriptor, &facts) == 0, link(partial, path) == 0 else {
            throw unwritten(path)
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let parent = open(folder, O_RDONLY | O_CLOEXEC)
        guard parent >= 0 else { throw unwritten(path) }
        defer { shut(parent) }
        guard synchronize(parent) == 0 else { throw unwritten(path) }
        return UInt64(clamping: facts.st_size)
    }

    private static func unwritten(_ path: String) -> StoreError {
        let reason = String(cString: strerror(errno))
        return StoreError(errno == ENOSPC ? .full : .ioFailure, "the copy could not be written to \(path): \(reason).")
    }
}

/// Closes a descriptor; in the class of the store, `close` is another one.
func shut(_ descriptor: Int32) { close(descriptor) }
