import SillokCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The right to write to a store: an advisory lock on a file next to the store's, held until it is released or the
/// process ends.
///
/// The database file itself cannot be locked: SQLite's own locks on it are lost when any descriptor of it is closed.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock, or throws ``StoreError/Code/locked``.
    ///
    /// A released lock may be held for a moment longer by a child process that this process is starting, until its
    /// program runs. So this tries for 200 milliseconds.
    init(path: String) throws(StoreError) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard opened >= 0 else {
            throw StoreError(.ioFailure, "cannot open the lock file \(path): \(String(cString: strerror(errno))).")
        }
        var pause = timespec(tv_sec: 0, tv_nsec: 10_000_000)
        var attempts = 20
        while attempts > 0, flock(opened, LOCK_EX | LOCK_NB) != 0 {
            attempts -= 1
            nanosleep(&pause, nil)
        }
        guard attempts > 0 else {
            let holder = Self.holder(opened)
            close(opened)
            throw StoreError(
                .locked,
                "the store is open for writing in another process\(holder). Close it there, or open it here for "
                    + "reading only.")
        }
        descriptor = opened
        let text = Array("\(getpid())\n".utf8)
        // The process id only helps the reader of the error message.
        if ftruncate(opened, 0) == 0 { _ = pwrite(opened, text, text.count, 0) }
    }

    deinit { close(descriptor) }

    private static func holder(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return "" }
        let digits = buffer.prefix(count).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return digits.isEmpty ? "" : " (\(String(decoding: digits, as: UTF8.self)))"
    }
}
