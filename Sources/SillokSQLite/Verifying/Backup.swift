import CSQLite
public import SillokCore
import SillokSQL

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension SQLiteEventStore {
    /// Writes a copy of the store into a new file, while others read and write, and verifies it.
    ///
    /// The copy is one snapshot: everything that was acknowledged before the call, with the same identity, positions
    /// and ids. The file gets its name only when it is complete, on the disk and verified. To restore it, open it as a
    /// store.
    /// - Parameters:
    ///   - path: the new file.
    ///   - progress: called at intervals with the progress of the verification.
    /// - Returns: a report about the copy.
    /// - Throws: `StoreError`: `readOnly` if there is already a file at `path`, `full`, `ioFailure`, `corrupt` if the
    ///   copy is not sound; `CancellationError` when the task is cancelled.
    public func backup(
        to path: String, progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> BackupReport {
        if access(path, F_OK) == 0 {
            throw StoreError(.readOnly, "there is something at \(path) already: give the copy another name.")
        }
        let partial = path + ".partial"
        unlink(partial)
        do {
            try await onThread { [source = self.path] in try Self.copy(source, to: partial) }
            let copy = try SQLiteEventStore(path: partial, mode: .readOnly, limits: limits)
            let (report, head) = (try await copy.verify(progress: progress), try await copy.head())
            await copy.close()
            guard report.isSound else {
                throw StoreError(.corrupt, "the copy is not sound: \(report.findings.first.map { "\($0)" } ?? "").")
            }
            for ending in ["-wal", "-shm"] { unlink(partial + ending) }
            return try await onThread {
                let bytes = try Self.keep(partial, as: path)
                return BackupReport(head: head, bytes: bytes, verification: report)
            }
        } catch {
            for ending in ["", "-wal", "-shm", "-journal"] { unlink(partial + ending) }
            throw error
        }
    }

    private static func copy(_ source: String, to target: String) throws {
        do {
            let connection = try Connection(path: source, flags: SQLITE_OPEN_READONLY, cacheKiB: 16_384)
            let statement = try connection.prepare("VACUUM INTO ?1")
            statement.bind(text: target, at: 1)
            try statement.run()
        } catch {
            throw error.storeError("the copy could not be written to \(target)")
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
        unlink(partial)
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let parent = open(folder, O_RDONLY | O_CLOEXEC)
        guard parent >= 0 else { throw unwritten(path) }
        defer { shut(parent) }
        guard synchronize(parent) == 0 else { throw unwritten(path) }
        return UInt64(clamping: facts.st_size)
    }

    private static func unwritten(_ path: String) -> StoreError {
        let reason = String(cString: strerror(errno))
        return StoreError(errno == ENOSPC ? .full : .ioFailure, "the copy could not be brought to \(path): \(reason).")
    }

    /// Runs blocking work on its own thread.
    private func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            startThread { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}

/// Closes a descriptor; in the class above, `close` is another function.
private func shut(_ descriptor: Int32) { close(descriptor) }
