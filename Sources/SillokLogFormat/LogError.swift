package import SillokDisk

/// Why the log could not do something.
package enum LogError: Error, Sendable {
    /// A call to the disk failed. If it was a write or a sync, the outcome of everything that was not yet durable is
    /// unknown, and the log takes no more groups until it is opened again.
    case disk(DiskError)
    /// There is no space for the next segment. Nothing was written; a later attempt may succeed.
    case full(DiskError)
    /// An earlier write or sync failed, so nothing more is written. Nothing of this call was.
    case stopped(DiskError)
    /// The log is damaged. Nothing was changed.
    case damaged(LogDamage)
    /// There is no log in the folder.
    case missing(String)
    /// A log exists already in the folder.
    case exists(String)
    /// The log has a version that this program does not know, or the file is not one of a log.
    case unsupported(String)
    /// The log was opened for reading only.
    case readOnly
    /// The log has no event at the position.
    case noEvent(UInt64)
}

extension LogError: CustomStringConvertible {
    /// What happened, and what to do next.
    package var description: String {
        switch self {
        case .disk(let error): "The disk failed: \(error)."
        case .full(let error): "No space is left for the next segment of the log: \(error). Nothing was stored."
        case .stopped(let error):
            "The log takes no more events since the disk failed: \(error). Open the store again."
        case .damaged(let damage): "\(damage)"
        case .missing(let folder): "There is no log in \(folder)."
        case .exists(let folder): "There is a log in \(folder) already."
        case .unsupported(let reason): reason
        case .readOnly: "The log was opened for reading only."
        case .noEvent(let position): "The log has no event at position \(position)."
        }
    }
}

/// A place in the log where durable bytes are not what was written.
package struct LogDamage: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file.
    package let path: String
    /// The offset in the file.
    package let offset: Int
    /// The first position that may be affected.
    package let position: UInt64
    /// What is wrong there.
    package let reason: String

    package init(path: String, offset: Int, position: UInt64, reason: String) {
        self.path = path
        self.offset = offset
        self.position = position
        self.reason = reason
    }

    /// The file, the offset, the position and the reason.
    package var description: String {
        "The log is damaged at position \(position) (\(path), offset \(offset)): \(reason). Nothing was changed."
    }
}
