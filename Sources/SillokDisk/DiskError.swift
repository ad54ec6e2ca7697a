import SillokSystem

/// A call to the disk failed: which call, on what, and the code of the system.
public struct DiskError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A call to the disk.
    public enum Operation: String, Hashable, Sendable, CaseIterable {
        /// Opening or creating a file.
        case open
        /// Creating a folder.
        case makeFolder = "make folder"
        /// Listing a folder.
        case list
        /// Renaming a file.
        case rename
        /// Removing a file.
        case remove
        /// Reading bytes or the size of a file.
        case read
        /// Writing bytes.
        case write
        /// Making bytes durable.
        case sync
        /// Making names durable.
        case syncFolder = "sync folder"
    }

    /// The call that failed.
    public let operation: Operation

    /// The file or folder.
    public let path: String

    /// The `errno` of the call.
    public let code: Int32

    /// Creates an error of a call.
    public init(_ operation: Operation, _ path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// The code for a disk without space: `ENOSPC`.
    public static let noSpace = ENOSPC

    /// Whether the disk or the caller's quota has no space left.
    public var isFull: Bool { code == ENOSPC || code == EDQUOT }

    /// Whether the file or folder does not exist.
    public var isMissing: Bool { code == ENOENT }

    /// Whether the file or folder exists already.
    public var isExisting: Bool { code == EEXIST }

    /// The call, the path and the system's text.
    public var description: String {
        "\(operation.rawValue) failed: \(path): \(String(cString: strerror(code))) (\(code))"
    }
}
