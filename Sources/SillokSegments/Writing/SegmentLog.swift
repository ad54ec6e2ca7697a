package import SillokDisk

/// The log of a store: groups of records in segment files.
///
/// All functions but ``prepareNextSegment()`` belong to one thread. ``reader`` may be used by any.
package final class SegmentLog {
    /// Which log it is.
    package let identity: LogIdentity
    /// Reads the events, on any thread.
    package let reader: SegmentReader

    /// Creates an empty log: the folder (if it does not exist), its segments and the file `store`, all durable.
    ///
    /// If a creation was interrupted, it is completed. The caller holds the lock of the store.
    package static func create(
        _ folder: String, on disk: any Disk, _ identity: LogIdentity, _ settings: LogSettings = LogSettings()
    ) throws(LogError) { fatalError("follows") }

    /// Returns whether the folder contains a log (a file `store`).
    package static func exists(_ folder: String, on disk: any Disk) throws(LogError) -> Bool { fatalError("follows") }

    /// Opens a log and, in mode `.write`, recovers its tail: afterwards every event that is shown is durable.
    ///
    /// - Throws: `LogError.damaged` if durable bytes are not what was written. Then nothing was changed.
    package init(
        opening folder: String, on disk: any Disk, _ mode: LogMode, _ settings: LogSettings = LogSettings()
    ) throws(LogError) { fatalError("follows") }

    /// The position of the last event that was written.
    package var writtenHead: UInt64 { fatalError("follows") }
    /// The position of the last event that is durable.
    package var durableHead: UInt64 { fatalError("follows") }
    /// The failed write or sync after which the log takes no more groups; `nil` as long as all succeeded.
    package var failure: DiskError? { fatalError("follows") }

    /// Writes a group behind the last one. It is durable after the next ``sync()``.
    ///
    /// - Throws: `LogError.full` if there is no space for a new segment: nothing was written. After any other error the
    ///   log takes no more groups.
    package func write(_ group: inout GroupBuffer) throws(LogError) { fatalError("follows") }

    /// Makes every written group durable.
    package func sync() throws(LogError) { fatalError("follows") }

    /// Whether the segment in use is half full and the next one does not exist yet.
    package var nextSegmentIsDue: Bool { fatalError("follows") }

    /// Creates the next segment, so that no append waits for it. May run on another thread.
    ///
    /// - Throws: `LogError.full` or `.disk`; the log continues, and the call can be repeated.
    package func prepareNextSegment() throws(LogError) { fatalError("follows") }

    /// Writes a mark if the last group has no later witness that it is durable. To be called when the log is idle for
    /// 100 ms, and before it is closed. The mark needs no sync.
    package func mark() throws(LogError) { fatalError("follows") }

    /// Writes the places of full segments to their files. May run on another thread; without it they stay in memory.
    package func settlePlaces() { fatalError("follows") }

    /// In mode `.readOnly`: takes over what a writer in another process has made durable since.
    ///
    /// - Returns: whether there are new events.
    package func refresh() throws(LogError) -> Bool { fatalError("follows") }
}
