/// The files and folders that an engine writes to: the system's, or simulated ones that lose what was not synced.
///
/// Paths are absolute or relative to the working directory, with `/` between their parts. The rules of durability are
/// those of POSIX:
///
/// - Written bytes are durable after ``DiskFile/sync(_:)`` of their file returned. After a failed sync, no statement
///   about the unsynced bytes is possible, and reading them back may return what is not on the disk.
/// - A name (of a created, renamed or removed file or folder) is durable after ``syncFolder(_:)`` of the folder that
///   contains it.
/// - Unsynced writes reach the disk in any order, in part, or never.
public protocol Disk: Sendable {
    /// Opens a file.
    func open(_ path: String, _ mode: DiskFileMode) throws(DiskError) -> any DiskFile

    /// Creates a folder; fails with `EEXIST` if the path exists.
    func makeFolder(_ path: String) throws(DiskError)

    /// Returns the names in a folder, sorted by their bytes.
    func names(in folder: String) throws(DiskError) -> [String]

    /// Renames a file and replaces the one at the new path, if there is one.
    func rename(_ path: String, to newPath: String) throws(DiskError)

    /// Removes a file.
    func remove(_ path: String) throws(DiskError)

    /// Makes the names in a folder durable.
    func syncFolder(_ path: String) throws(DiskError)
}

/// How a file is opened.
public enum DiskFileMode: Hashable, Sendable {
    /// For reading. The file must exist.
    case read
    /// For reading and writing. The file must exist.
    case write
    /// For reading and writing. The file must not exist.
    case create
}

/// What a sync makes durable.
public enum SyncScope: Hashable, Sendable {
    /// The bytes of the file (`fdatasync`). Enough if its size has not changed since the last ``all``.
    case data
    /// The bytes and the size of the file (`fsync`).
    case all
}

/// An open file. It is closed when the last reference to it goes away.
///
/// Several threads may use it at the same time.
public protocol DiskFile: AnyObject, Sendable {
    /// Reads bytes at an offset and returns their number: 0 at the end of the file, and possibly fewer than asked for.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int

    /// Writes bytes at an offset and returns how many of them were written, possibly fewer than given.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) -> Int

    /// Gives an empty file a size, reads as zeros from then on, and reserves the space for it.
    ///
    /// - Returns: `false` if the file system cannot do that. The file is unchanged then.
    func reserve(_ bytes: Int) throws(DiskError) -> Bool

    /// Returns after everything that was written before is durable.
    func sync(_ scope: SyncScope) throws(DiskError)

    /// Returns the number of bytes of the file.
    func size() throws(DiskError) -> Int

    /// Lets the next reads come from the disk. What was synced before may leave the cache of the system.
    func dropCache() throws(DiskError)
}

extension DiskFile {
    /// Returns `false`, as on a file system that cannot reserve space.
    public func reserve(_ bytes: Int) throws(DiskError) -> Bool { false }

    /// Does nothing, as on a disk without a cache.
    public func dropCache() throws(DiskError) {}

    /// Reads until the buffer is full or the file ends, and returns the number of bytes.
    public func readAll(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        var count = 0
        while count < buffer.count {
            let more = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]), at: offset + count)
            if more <= 0 { break }
            count += more
        }
        return count
    }

    /// Reads at most `count` bytes at an offset; fewer if the file ends before.
    public func bytes(at offset: Int, count: Int) throws(DiskError) -> [UInt8] {
        var failure: DiskError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(DiskError) {
                initialized = try readAll(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all bytes at an offset. If it fails, an unknown part of them may have been written.
    public func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
        var count = 0
        while count < bytes.count {
            let more = try write(UnsafeRawBufferPointer(rebasing: bytes[count...]), at: offset + count)
            // A disk that takes no bytes and reports no error has no space for them.
            if more <= 0 { throw DiskError(.write, "a file", code: DiskError.noSpace) }
            count += more
        }
    }

    /// Writes all bytes at an offset. If it fails, an unknown part of them may have been written.
    public func writeAll(_ bytes: [UInt8], at offset: Int) throws(DiskError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(DiskError) in
            try writeAll(UnsafeRawBufferPointer(bytes), at: offset)
        }
    }
}
