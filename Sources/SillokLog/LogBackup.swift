public import SillokCore
import SillokDisk
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
        let (makeReader, identity, tuning, limits, disk, rows) = (makeReader, identity, tuning, limits, disk, rows)
        return try await reads.longWork.runOnThread { cancellation in
            try Result {
                let partial = path + ".partial"
                // Next to the folder, because the store in the folder has a lock of its own.
                let lock = try FileLock(path: partial + "-lock") { holder in
                    "Another backup\(holder) writes to \(path) at this moment. Wait for it, or give the copy another "
                        + "name."
                }
                defer { lock.removeFile() }
                if access(path, F_OK) == 0 {
                    throw StoreError(.readOnly, "a file already exists at \(path): give the copy another name.")
                }
                LogOpening.removeFiles(partial, nil)
                unlink(partial + "-rows")
                defer {
                    LogOpening.removeFiles(partial, nil)
                    unlink(partial + "-rows")
                }
                let reader = try makeReader()
                try reader.checkFolder()
                // Before the log, so that the rows contain no event that the copy of the log does not have.
                let hasRows = try rows.copy(to: partial + "-rows", makeReader, cancellation)
                try reader.renew()
                try LogCopy(identity: identity, settings: tuning.segments, cancellation: cancellation, report: progress)
                    .write(reader, to: partial)
                try reader.checkFolder()
                if hasRows { try Self.keepRows(partial + "-rows", in: partial) }
                let opening = LogOpening(
                    folder: partial, limits: limits, tuning: tuning, disk: disk, progress: { _ in })
                let report = try opening.verified(cancellation, progress)
                guard report.isSound else {
                    throw StoreError(
                        .corrupt, "the copy is not sound: \(report.findings.first.map { "\($0)" } ?? "").")
                }
                let head = Position(UInt64(clamping: reader.view.head))
                return BackupReport(head: head, bytes: try Self.keep(partial, as: path), verification: report)
            }.mapError(StoreError.reading).get()
        }
    }

    /// Moves the copy of the rows into the copy of the folder.
    private static func keepRows(_ path: String, in folder: String) throws {
        let disk = SystemDisk()
        do throws(DiskError) {
            try disk.open(path, .write).sync(.all)
            try disk.rename(path, to: RowsFile.path(in: folder))
        } catch {
            throw StoreError(error.isFull ? .full : .ioFailure, "the rows could not be copied: \(error).")
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

/// Writes the records of a log into a new log with the same identity.
private struct LogCopy {
    let identity: LogIdentity
    let settings: LogSettings
    let cancellation: Cancellation
    let report: (WorkProgress) -> Void
    private static let groupBytes = 4 << 20

    func write(_ reader: LogReader, to folder: String) throws {
        let disk = SystemDisk()
        try SegmentLog.create(folder, on: disk, identity, settings)
        let log = try SegmentLog(opening: folder, on: disk, .write, settings)
        var group = GroupBuffer(for: identity, settings)
        group.begin(first: 1)
        let head = UInt64(clamping: reader.view.head)
        try reader.segments.forEachRecord(from: 1, through: head) { record in
            group.add(record)
            guard group.count >= Self.groupBytes else { return true }
            try write(&group, to: log)
            report(WorkProgress(step: "copy", done: record.position, total: head))
            try cancellation.check()
            return true
        }
        try write(&group, to: log)
        try log.writeMark()
    }

    private func write(_ group: inout GroupBuffer, to log: SegmentLog) throws {
        guard group.records > 0 else { return }
        try log.write(&group)
        try log.sync()
        group.begin(first: log.writtenHead + 1)
    }
}
