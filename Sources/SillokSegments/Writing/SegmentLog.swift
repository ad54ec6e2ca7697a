package import SillokDisk
import SillokLogFormat

/// The log of a store: groups of records in segment files.
///
/// Its functions belong to one thread. ``reader`` and ``upkeep`` may be used by any.
package final class SegmentLog {
    /// Which log it is.
    package let identity: LogIdentity
    /// Reads the events, on any thread.
    package let reader: SegmentReader
    /// Work on segments that no append should wait for, on any thread.
    package let upkeep: SegmentUpkeep
    /// The failed write or sync after which the log takes no more groups; `nil` as long as all succeeded.
    package private(set) var failure: DiskError?

    private let files: LogFiles
    private let table: SegmentTable
    private let mode: LogMode
    private let durableFile: (any DiskFile)?
    private var live: LiveSegment
    /// Where the next group goes in the live segment.
    private var end: Int
    /// Where the last group with records ends.
    private var recordsEnd: Int
    private var isSealed: Bool
    private var durable: DurableMark
    /// What the last header in the file says about what is durable.
    private var witness: LogPlace
    private var hasUnsynced = false
    private var mark = UnsafeMutableRawBufferPointer.allocate(byteCount: LogFormat.headerBytes, alignment: 8)

    /// Opens a log and, in mode `.write`, recovers its tail: afterwards every event that is shown is durable.
    ///
    /// - Throws: `LogError.damaged` if durable bytes are not what was written. Then nothing was changed.
    package init(
        opening folder: String, on disk: any Disk, _ mode: LogMode, _ settings: LogSettings = LogSettings()
    ) throws(LogError) {
        identity = try LogIdentity(in: folder, on: disk)
        files = LogFiles(folder, disk, identity, settings)
        self.mode = mode
        let log = try Recovery(files: files, mode: mode).run()
        live = log.live
        end = log.live.scan.end
        recordsEnd = log.live.scan.recordsEnd
        isSealed = log.live.scan.isSealed
        durable = log.durable
        witness = log.live.scan.witness
        table = SegmentTable(log.segments, writtenHead: log.durable.position, durable: log.durable)
        reader = SegmentReader(files, table, mode, damages: log.damages)
        upkeep = SegmentUpkeep(files, table, ready: log.prepared)
        durableFile = mode == .write ? files.openDurableFile() : nil
        if mode == .write { publish() }
    }

    deinit { mark.deallocate() }

    /// The position of the last event that was written.
    package var writtenHead: UInt64 { table.writtenHead }
    /// The position of the last event that is durable.
    package var durableHead: UInt64 { durable.position }

    /// Whether the segment in use is half full and the next one does not exist. Then some thread should call
    /// ``SegmentUpkeep/prepareNextSegment()``.
    package var nextSegmentIsDue: Bool { mode == .write && end > live.size / 2 && upkeep.isNeeded }

    /// Writes a group behind the last one. It is durable after the next ``sync()``.
    ///
    /// - Throws: `LogError.full` if there is no space for a new segment: nothing was written. After any other error the
    ///   log takes no more groups.
    package func write(_ group: inout GroupBuffer) throws(LogError) {
        try checkWritable()
        if group.records == 0 { return }
        precondition(group.firstPosition == writtenHead + 1, "the group does not follow the last one")
        if isSealed || end + group.count + LogFormat.reservedBytes > live.size { try rotate(for: group.count) }
        let header = GroupHeader(
            segment: live.scan.ordinal, offset: end, firstPosition: group.firstPosition, events: group.events,
            records: group.records, bytes: group.count - LogFormat.headerBytes, durable: stated,
            nextSegmentBytes: upkeep.readyBytes)
        header.write(to: group.memory, salt: files.salt)
        if files.faults.contains(.syncBeforeWrite) {
            try stopping { () throws(DiskError) in try live.file.sync(.data) }
        }
        try put(UnsafeRawBufferPointer(start: group.memory, count: group.count))
        witness = header.durable
        table.append(group.places, base: end, end: end + group.count)
        end += group.count
        recordsEnd = end
    }

    /// Makes every written group durable.
    package func sync() throws(LogError) {
        try checkWritable()
        if hasUnsynced { zeroAhead() }
        try syncLive()
    }

    private func syncLive() throws(LogError) {
        if !hasUnsynced { return }
        if files.faults.isDisjoint(with: [.noSync, .syncBeforeWrite]) {
            try stopping { () throws(DiskError) in try live.file.sync(.data) }
        }
        hasUnsynced = false
        durable = DurableMark(place: LogPlace(live.scan.ordinal, end), position: writtenHead)
        publish()
    }

    /// Writes a mark if no header says yet that the last group is durable. To be called when the log is idle for
    /// 100 ms, and before it is closed. The mark itself needs no sync.
    package func writeMark() throws(LogError) {
        try checkWritable()
        let ordinal = live.scan.ordinal
        // At most one mark follows a group, so there is always room for it and for the seal.
        guard durable.place == LogPlace(ordinal, end), !isSealed, recordsEnd > LogFormat.headerBytes,
            witness < LogPlace(ordinal, recordsEnd)
        else { return }
        try writeMark(GroupHeader.markFlag)
    }
}

extension SegmentLog {
    /// What headers say about what is durable.
    private var stated: LogPlace {
        if files.faults.contains(.durableMarkNeverAdvances) { return .start }
        return files.faults.contains(.marksAhead) ? LogPlace(live.scan.ordinal, end) : durable.place
    }

    private func checkWritable() throws(LogError) {
        if mode != .write { throw .readOnly }
        if let failure { throw .stopped(failure) }
    }

    /// Writes at the end of the live segment.
    private func put(_ bytes: UnsafeRawBufferPointer) throws(LogError) {
        let offset = end
        hasUnsynced = true
        try stopping { () throws(DiskError) in
            if files.faults.contains(.shortWriteAccepted) {
                _ = try live.file.write(bytes, at: offset)
            } else {
                try live.file.writeAll(bytes, at: offset)
            }
        }
    }

    /// Writes zeros behind the groups of the next sync if these are small and end in space that is only reserved.
    ///
    /// The first write into such space changes the file's metadata, and then the sync must write that too. Small groups
    /// pay for that once for many of them. For large ones, zeros would cost more than they save.
    private func zeroAhead() {
        guard end > live.zeroed else { return }
        let start = durable.place.segment == live.scan.ordinal ? Int(clamping: durable.place.offset) : 0
        live.zeroed = end
        let count = min(files.settings.zeroedBytes, LogFiles.zeros.count, live.size - end)
        guard end - start < files.settings.largeGroupBytes, count > 0 else { return }
        // Groups need no zeros. So a failure is none of the log: if the disk is broken, the sync will fail.
        LogFiles.zeros.withUnsafeBytes {
            try? live.file.writeAll(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: end)
        }
        live.zeroed = end + count
    }

    /// Remembers that a write or a sync failed. What the file contains is then unknown.
    private func stopping(_ call: () throws(DiskError) -> Void) throws(LogError) {
        do throws(DiskError) {
            try call()
        } catch {
            if !files.faults.contains(.continuesAfterFailure) { failure = error }
            throw .disk(error)
        }
    }

    /// Writes a header without records.
    private func writeMark(_ flags: UInt32) throws(LogError) {
        guard let memory = mark.baseAddress else { return }
        let header = GroupHeader(
            segment: live.scan.ordinal, flags: flags, offset: end, firstPosition: writtenHead + 1, durable: stated,
            nextSegmentBytes: upkeep.readyBytes)
        header.write(to: memory, salt: files.salt)
        try put(UnsafeRawBufferPointer(mark))
        witness = header.durable
        end += LogFormat.headerBytes
    }

    /// Seals the live segment and takes the next one into use.
    private func rotate(for bytes: Int) throws(LogError) {
        let ordinal = live.scan.ordinal + 1
        let next: EmptySegment
        do throws(LogError) {
            next = try upkeep.take(ordinal, atLeast: bytes + LogFormat.reservedBytes)
        } catch {
            if case .disk(let cause) = error, !files.faults.contains(.continuesAfterFailure) { failure = cause }
            throw error
        }
        defer { upkeep.finishRotation() }
        if !isSealed, !files.faults.contains(.formerSegmentNotSynced) {
            // The seal states that the last group is durable, so that group is synced first.
            if files.faults.contains(.sealedBeforeSync) {
                durable = DurableMark(place: LogPlace(live.scan.ordinal, end), position: durable.position)
            } else {
                try syncLive()
            }
            try writeMark(GroupHeader.sealFlag)
            try syncLive()
        }
        live = LiveSegment(scan: TailScan(ordinal), file: next.file, size: next.bytes, zeroed: next.zeroed)
        (end, recordsEnd) = (LogFormat.headerBytes, LogFormat.headerBytes)
        (isSealed, hasUnsynced) = (false, false)
        table.begin(ordinal)
    }

    /// Tells the readers, also those in other processes, what is durable.
    private func publish() {
        table.setDurable(durable)
        if files.faults.contains(.durableMarkNeverAdvances) { return }
        // Only a help: what it says is true whenever it reaches the disk, and the log is complete without it.
        try? durableFile?.writeAll(durable.encoded(salt: files.salt), at: 0)
    }

    /// What the file `durable` says: the last position that a process which writes has made durable, if there is one.
    package static func publishedHead(of folder: String, on disk: any Disk) throws(LogError) -> UInt64? {
        LogFiles(folder, disk, try LogIdentity(in: folder, on: disk), LogSettings()).durableMark()?.position
    }

    /// In mode `.salvage`: hides the events behind a position.
    package func hide(after position: UInt64) {
        durable.position = min(durable.position, position)
        table.setDurable(durable)
    }

    /// In the modes for reading: takes over what a writer in another process has made durable since.
    ///
    /// - Returns: whether there are new events.
    package func refresh() throws(LogError) -> Bool {
        guard mode == .readOnly || mode == .readAlone, let mark = files.durableMark(), mark.place > durable.place
        else { return false }
        while true {
            let ordinal = live.scan.ordinal
            var walk = try GroupWalk(live.file, ordinal, files)
            let limit = ordinal < mark.place.segment ? walk.size : Int(clamping: mark.place.offset)
            try live.scan.walk(&walk, limit: limit)
            table.take(live.scan)
            if ordinal == mark.place.segment, live.scan.end == limit { break }
            guard live.scan.isSealed, ordinal < mark.place.segment else {
                throw files.damage(
                    ordinal, live.scan.end, position: live.scan.nextPosition,
                    "\(live.scan.flaw ?? "there is no group"), but the log was durable beyond this place")
            }
            let next = ordinal + 1
            let file = try onDisk { () throws(DiskError) in try files.disk.open(files.segmentPath(next), .read) }
            live = LiveSegment(scan: TailScan(next, firstPosition: live.scan.nextPosition), file: file, size: 0)
        }
        let hasNew = mark.position > durable.position
        durable = mark
        table.setDurable(mark)
        return hasNew
    }
}

extension LogFiles {
    /// Opens the file `durable` for writing, and creates it if necessary; `nil` if that is not possible.
    fileprivate func openDurableFile() -> (any DiskFile)? {
        if let file = try? disk.open(durablePath, .write) { return file }
        return try? disk.open(durablePath, .create)
    }
}
