package import SillokCore
import SillokSystem

/// Brings the written bytes of a file to the medium of the disk, not only into its memory; 0 if that worked.
package func synchronize(_ descriptor: Int32) -> Int32 {
    #if canImport(Darwin)
    // `fsync` leaves the bytes in the memory of the disk there.
    return fcntl(descriptor, F_FULLFSYNC)
    #else
    return fsync(descriptor)
    #endif
}

/// Writes the bytes of a file again, each to its place, and brings them to the disk. Does nothing if there is no file.
///
/// After a failed sync the system may hold bytes that it takes for written and that the disk does not have. A sync
/// alone does not bring them there, for the system has nothing to write any more.
package func rewrite(_ path: String) throws(StoreError) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    if descriptor < 0 && errno == ENOENT { return }
    guard descriptor >= 0 else { throw unwritten(path) }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var offset: off_t = 0
    while true {
        let count = pread(descriptor, &buffer, buffer.count, offset)
        if count == 0 { break }
        var written = 0
        while count > 0 && written < count {
            let part = buffer.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress?.advanced(by: written), count - written, offset + off_t(written))
            }
            if part < 0 && errno == EINTR { continue }
            guard part > 0 else { throw unwritten(path) }
            written += part
        }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw unwritten(path) }
        offset += off_t(count)
    }
    guard synchronize(descriptor) == 0 else { throw unwritten(path) }
}

private func unwritten(_ path: String) -> StoreError {
    let reason = String(cString: strerror(errno))
    return StoreError(errno == ENOSPC ? .full : .ioFailure, "\(path) could not be synced to the disk: \(reason).")
}
