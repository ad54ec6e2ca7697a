public import SillokCore
import SillokDisk
import SillokIndexFile
import SillokSQLiteConnections
import SillokSegments
import SillokStorage
import SillokSystem
import SillokThreads

extension LogEventStore {
    /// Writes a copy of the store into a new folder, while others read and write, and verifies it.
    ///
    /// The copy has everything that was acknowledged before the call, with the same identity, positions and ids, and
    /// the rows of the store's read model. Rows that are behind the copied log are projected when the projections are
    /// attached. The folder gets its name only when it is complete, on the disk and verified. To restore it, open it as
    /// a store.
    /// - Parameters:
    ///   - path: the new folder.
    ///   - progress: called at intervals with the progress.
    /// - Returns: a report on the copy.
    /// - Throws: `StoreError`: `readOnly` if there is something at `path`, `locked` if another backup writes to it,
    ///   `full`, `ioFailure`, `corrupt` if the copy is not sound, `closed` if the store is closed meanwhile,
    ///   `fileReplaced`; `CancellationError` when the task is cancelled. An error leaves no incomplete copy at `path`.
    public func backup(
        to path: String, progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> BackupReport {
        if let damage { throw damage.backupRefusal }
        let backup = FolderBackup(
            folder: self.path, makeReader: makeReader, identity: identity, rows: rows,
            opening: LogOpening(
                folder: path + ".partial", limits: limits, tuning: tuning.forCopy, disk: disk, progress: { _ in }))
        return try await reads.longWork.runOnThread { cancellation in
            try Result { try backup.write(to: path, cancellation, progress) }.mapError(StoreError.reading).get()
        }
    }
}

/// The steps that write a copy of a folder.
private struct FolderBackup: Sendable {
    let folder: String
    let makeReader: @Sendable () throws -> LogReader
    let identity: LogIdentity
    let rows: RowsFile
    /// Opens the copy until it has its name.
    let opening: LogOpening

    private var partial: String { opening.folder }

    func write(
        to path: String, _ cancellation: Cancellation, _ progress: @escaping (WorkProgress) -> Void
    ) throws -> BackupReport {
        // Next to the folder, because the store in the folder has a lock of its own.
        let lock = try FileLock(path: partial + "-lock") { holder in
            "Another backup\(holder) writes to \(path) at this moment. Wait for it, or give the copy another name."
        }
        defer { lock.removeFile() }
        if access(path, F_OK) == 0 {
            throw StoreError(.readOnly, "a file already exists at \(path): give the copy another name.")
        }
        removePartial()
        defer { removePartial() }
        let reader = try makeReader()
        try reader.checkFolder()
        let hasIndex = try copyFiles(reader, cancellation, progress)
        try reader.checkFolder()
        let report = try verified(hasIndex, cancellation, progress)
        let bytes = try Self.keep(partial, as: path)
        return BackupReport(head: Position(UInt64(clamping: reader.view.head)), bytes: bytes, verification: report)
    }

    private var rowsCopy: String { partial + "-rows" }
    private var indexCopy: String { partial + "-index" }

    private func removePartial() {
        LogOpening.removeFiles(partial, nil)
        for path in [rowsCopy, indexCopy] { unlink(path) }
    }

    /// Copies the log, the rows and the index; returns whether the copy has an index.
    private func copyFiles(
        _ reader: LogReader, _ cancellation: Cancellation, _ progress: (WorkProgress) -> Void
    ) throws -> Bool {
        // Before the log, so that they contain no event that the copy of the log does not have.
        let hasRows = try rows.copy(to: rowsCopy, makeReader, cancellation)
        let hasIndex = try IndexFile.copy(of: folder, to: indexCopy, cancellation)
        try reader.renew()
        let end = UInt64(clamping: reader.view.head)
        try reader.segments.copy(through: end, to: partial, on: SystemDisk(), identity, opening.tuning.segments) {
            progress(WorkProgress(step: "copy", done: $0, total: end))
            try cancellation.check()
        }
        if hasRows { try Self.keepFile(rowsCopy, as: RowsFile.path(in: partial)) }
        if hasIndex { try Self.keepFile(indexCopy, as: IndexFile.path(in: partial)) }
        return hasIndex
    }

    /// Verifies the copy.
    private func verified(
        _ hasIndex: Bool, _ cancellation: Cancellation, _ progress: @escaping (WorkProgress) -> Void
    ) throws -> VerificationReport {
        var report = try opening.verified(cancellation, progress)
        if !report.isSound, hasIndex {
            // The fault may be one of the copied index. It is rebuilt from the log.
            IndexFile.remove(in: partial)
            report = try opening.verified(cancellation, progress)
        }
        guard report.isSound else {
            throw StoreError(.corrupt, "the copy is not sound: \(report.findings.first.map { "\($0)" } ?? "").")
        }
        return report
    }

    /// Moves a copied file into the copy of the folder.
    private static func keepFile(_ path: String, as target: String) throws {
        let disk = SystemDisk()
        do throws(DiskError) {
            try disk.open(path, .write).sync(.all)
            try disk.rename(path, to: target)
        } catch {
            throw StoreError(error.isFull ? .full : .ioFailure, "\(target) could not be written: \(error).")
        }
    }

    /// Gives the copy its name and makes the name durable; returns the bytes of its files.
    private static func keep(_ partial: String, as path: String) throws -> UInt64 {
        let disk = SystemDisk()
        do throws(DiskError) {
            var bytes = 0
            for folder in [partial, partial + "/log"] {
                for name in try disk.names(in: folder) where name != "log" {
                    bytes += try disk.open("\(folder)/\(name)", .read).size()
                }
            }
            try disk.syncFolder(partial)
            try disk.rename(partial, to: path)
            let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            try disk.syncFolder(parent.isEmpty ? "/" : parent)
            return UInt64(clamping: bytes)
        } catch {
            throw StoreError(error.isFull ? .full : .ioFailure, "the copy could not be brought to \(path): \(error).")
        }
    }
}
