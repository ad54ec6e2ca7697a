import SillokSystem

/// The disk of the system.
public struct SystemDisk: Disk {
    /// Creates the disk of the system.
    public init() {}

    /// Opens a file; the descriptor is not passed to child processes.
    public func open(_ path: String, _ mode: DiskFileMode) throws(DiskError) -> any DiskFile {
        let flags: Int32
        switch mode {
        case .read: flags = O_RDONLY
        case .write: flags = O_RDWR
        case .create: flags = O_RDWR | O_CREAT | O_EXCL
        }
        let descriptor = retrying { SystemDisk.openFile(path, flags | O_CLOEXEC) }
        if descriptor < 0 { throw DiskError(.open, path, code: errno) }
        return SystemFile(descriptor, path)
    }

    private static func openFile(_ path: String, _ flags: Int32) -> Int32 {
        SillokSystem.open(path, flags, 0o644)
    }

    /// Creates a folder.
    public func makeFolder(_ path: String) throws(DiskError) {
        if mkdir(path, 0o755) != 0 { throw DiskError(.makeFolder, path, code: errno) }
    }

    /// Returns the names in a folder.
    public func names(in folder: String) throws(DiskError) -> [String] {
        guard let stream = opendir(folder) else { throw DiskError(.list, folder, code: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        if errno != 0 { throw DiskError(.list, folder, code: errno) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Renames a file.
    public func rename(_ path: String, to newPath: String) throws(DiskError) {
        if SillokSystem.rename(path, newPath) != 0 { throw DiskError(.rename, path, code: errno) }
    }

    /// Removes a file.
    public func remove(_ path: String) throws(DiskError) {
        if unlink(path) != 0 { throw DiskError(.remove, path, code: errno) }
    }

    /// Makes the names in a folder durable.
    public func syncFolder(_ path: String) throws(DiskError) {
        let descriptor = retrying { SystemDisk.openFile(path, O_RDONLY | O_CLOEXEC) }
        if descriptor < 0 { throw DiskError(.syncFolder, path, code: errno) }
        defer { close(descriptor) }
        if flush(descriptor, .all) != 0 { throw DiskError(.syncFolder, path, code: errno) }
    }
}

/// An open file of the system.
private final class SystemFile: DiskFile {
    private let descriptor: Int32
    private let path: String

    init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        if buffer.isEmpty { return 0 }
        let count = retrying { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
        if count < 0 { throw DiskError(.read, path, code: errno) }
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        if bytes.isEmpty { return 0 }
        let count = retrying { pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset)) }
        if count < 0 { throw DiskError(.write, path, code: errno) }
        return count
    }

    func reserve(_ bytes: Int) throws(DiskError) -> Bool {
        #if os(Linux)
        var code = EINTR
        while code == EINTR { code = posix_fallocate(descriptor, 0, off_t(bytes)) }
        if code == 0 { return true }
        let error = DiskError(.write, path, code: code)
        if error.isFull { throw error }
        #endif
        return false
    }

    func sync(_ scope: SyncScope) throws(DiskError) {
        // An interrupted sync may already have dropped the error of a page. It counts as failed, like any other.
        if flush(descriptor, scope) != 0 { throw DiskError(.sync, path, code: errno) }
    }

    func dropCache() throws(DiskError) {
        #if os(Linux)
        let code = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        if code != 0 { throw DiskError(.read, path, code: code) }
        #endif
    }

    func size() throws(DiskError) -> Int {
        let end = lseek(descriptor, 0, SEEK_END)
        if end < 0 { throw DiskError(.read, path, code: errno) }
        return Int(end)
    }
}

/// Makes a file durable. On Apple's systems `fsync` leaves the bytes in the cache of the drive, so the drive is flushed
/// too, except on file systems that refuse it.
private func flush(_ descriptor: Int32, _ scope: SyncScope) -> Int32 {
    #if canImport(Darwin)
    if fcntl(descriptor, F_FULLFSYNC) == 0 { return 0 }
    return errno == EIO || errno == ENOSPC ? -1 : fsync(descriptor)
    #else
    return scope == .data ? fdatasync(descriptor) : fsync(descriptor)
    #endif
}

/// Calls the system again while a signal interrupts the call.
private func retrying<Number: FixedWidthInteger & SignedInteger>(_ call: () -> Number) -> Number {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
