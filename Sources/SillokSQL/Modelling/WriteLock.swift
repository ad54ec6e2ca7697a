package import SillokCore
import SillokSystem

/// The write lock of a read model among all processes that have it open: an advisory lock on a file next to it.
///
/// SQLite's own locks would suffice without one fault: before 3.51.3 two connections that write and checkpoint at the
/// same instant can damage the file. So each process takes this lock around every transaction and every checkpoint.
/// Used by one thread at a time.
package final class WriteLock: Sendable {
    private let path: String
    private let descriptor: Int32
    private let timeout: Duration

    /// - Parameter timeout: how long to wait for the lock.
    package init(path: String, timeout: Duration) throws(StoreError) {
        self.path = path
        self.timeout = timeout
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw StoreError(.ioFailure, "cannot open the lock file \(path): \(String(cString: strerror(errno))).")
        }
    }

    deinit { close(descriptor) }

    /// Runs `body` when it is our turn, or throws `StoreError` `locked`. Blocks the thread.
    package func turn<Result>(_ body: () throws -> Result) throws -> Result {
        try take()
        defer { flock(descriptor, LOCK_UN) }
        return try body()
    }

    private func take() throws(StoreError) {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
        let deadline = ContinuousClock.now + timeout
        var pause = timespec(tv_sec: 0, tv_nsec: 50_000)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw StoreError(.ioFailure, "cannot lock \(path): \(String(cString: strerror(errno))).")
            }
            guard ContinuousClock.now < deadline else {
                throw StoreError(
                    .locked, "another process has been writing to the read model for \(timeout): try again. (\(path))")
            }
            nanosleep(&pause, nil)
            pause.tv_nsec = min(pause.tv_nsec * 2, 1_000_000)
        }
    }
}
