package import SillokCore
import SillokSQL
import SillokSystem

/// The right to write to a store: an advisory lock on a file next to the store's, held until it is released or the
/// process ends.
///
/// The database file itself cannot be locked: SQLite's own locks on it are lost when any descriptor of it is closed.
package final class FileLock: Sendable {
    private let descriptor: Int32
    private let path: String

    /// Takes the lock of a store.
    package convenience init(storeAt path: String) throws(StoreError) {
        try self.init(path: resolvedPath(path) + "-lock") { holder in
            "the store is already open for writing\(holder). "
                + "Close it first, open it here for reading only, or let both write through a server: `sillok serve`."
        }
    }

    /// Takes a lock, or throws ``StoreError/Code/locked``.
    ///
    /// A lock that was just given up may be held for a moment more: by a child that this process is starting, until its
    /// program runs. So it is asked for during 200 milliseconds.
    ///
    /// - Parameter isHeld: the message if another process holds it; it is given the words for that process.
    package init(path: String, isHeld: (_ holder: String) -> String) throws(StoreError) {
        try FileSystem.check(lock: path)
        var pause = timespec(tv_sec: 0, tv_nsec: 10_000_000)
        var attempts = 20
        while true {
            let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard opened >= 0 else {
                throw StoreError(.ioFailure, "cannot open the lock file \(path): \(String(cString: strerror(errno))).")
            }
            var isLocked = flock(opened, LOCK_EX | LOCK_NB) == 0
            while !isLocked && attempts > 0 {
                attempts -= 1
                nanosleep(&pause, nil)
                isLocked = flock(opened, LOCK_EX | LOCK_NB) == 0
            }
            guard isLocked else {
                let holder = Self.holder(opened)
                close(opened)
                throw StoreError(.locked, isHeld(holder))
            }
            // The process that held the lock may have removed the file: then others lock a new one.
            if Self.isAtPath(opened, path) {
                (descriptor, self.path) = (opened, path)
                break
            }
            close(opened)
        }
        let text = Array("\(getpid())\n".utf8)
        // The process id is a help for the reader of a message, nothing depends on it.
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
    }

    deinit { close(descriptor) }

    /// Returns whether a process holds the lock of a path at this moment.
    package static func isHeld(path: String) -> Bool {
        let opened = open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { return false }
        defer { close(opened) }
        return flock(opened, LOCK_SH | LOCK_NB) != 0
    }

    /// Removes the file of the lock, which is held on until this object is released.
    ///
    /// Files that the lock protects are removed before it. A process that waits for this lock finds out that its file
    /// is gone, and makes a new one.
    package func removeFile() { unlink(path) }

    private static func isAtPath(_ descriptor: Int32, _ path: String) -> Bool {
        var (held, found) = (stat(), stat())
        guard fstat(descriptor, &held) == 0, stat(path, &found) == 0 else { return false }
        return held.st_dev == found.st_dev && held.st_ino == found.st_ino
    }

    private static func holder(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return "" }
        let digits = buffer.prefix(count).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return digits.isEmpty ? "" : " (process \(String(decoding: digits, as: UTF8.self)))"
    }
}
