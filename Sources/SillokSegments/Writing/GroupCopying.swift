package import SillokDisk
package import SillokLogFormat

extension GroupBuffer {
    /// Adds a copy of a record of another log with the same identity.
    fileprivate mutating func add(_ record: RecordView) {
        append(record.prefix, record.body, isEvent: record.kind == .event)
    }
}

extension SegmentReader {
    /// Writes the records up to a position into a new log with the same identity, on this thread.
    ///
    /// - Parameter step: called with the position of the last written event, after each few megabytes.
    package func copy(
        through head: UInt64, to folder: String, on disk: any Disk, _ identity: LogIdentity, _ settings: LogSettings,
        _ step: (UInt64) throws -> Void
    ) throws {
        try SegmentLog.create(folder, on: disk, identity, settings)
        let log = try SegmentLog(opening: folder, on: disk, .write, settings)
        var group = GroupBuffer(for: identity, settings)
        group.begin(first: 1)
        try forEachRecord(from: 1, through: head) { record in
            group.add(record)
            guard group.count >= SegmentReader.copiedBytes else { return true }
            try log.append(&group)
            // Otherwise the places of all segments stay in memory until the end.
            try log.upkeep.settlePlaces()
            try step(log.writtenHead)
            return true
        }
        try log.append(&group)
        try log.writeMark()
    }

    /// The bytes of a group of a copy.
    private static let copiedBytes = 4 << 20
}

extension SegmentLog {
    /// Writes a group, makes it durable, and begins the next one.
    fileprivate func append(_ group: inout GroupBuffer) throws(LogError) {
        guard group.records > 0 else { return }
        try write(&group)
        try sync()
        group.begin(first: writtenHead + 1)
    }
}
