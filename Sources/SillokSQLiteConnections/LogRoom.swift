import SillokSystem

/// Zeros in the write-ahead log after its last frame, which reserve space for the next commits.
///
/// A commit that extends the file must sync more to the disk than one that writes into existing space: about half as
/// much again for a small one. SQLite reads zeros as the end of the log. No space is reserved for a store that is
/// opened for a few appends, or for large commits, which would be written twice.
final class LogRoom {
    private let path: String
    private var pages = 0
    private var size = 0

    /// The number of pages up to which a commit is small. Space is reserved once the log has this number of pages.
    private static let few = 64
    private static let chunk = 1 << 20
    private static let (headerBytes, frameBytes) = (32, 24 + 4096)

    /// - Parameter path: the path of the database file.
    init(path: String) { self.path = path + "-wal" }

    /// Notes that the log is empty, because another process or a checkpoint has truncated it.
    func restart() { (pages, size) = (0, 0) }

    /// Reserves space if little is left. A failure here does not fail anything else.
    ///
    /// - Parameters:
    ///   - pages: how many pages the log has after the last commit.
    ///   - file: the file that the log belongs to: another one may be at its path by now.
    func makeIfDue(_ pages: Int, in file: OpenedFile?) {
        let grown = pages - self.pages
        self.pages = pages
        let end = Self.headerBytes + pages * Self.frameBytes
        guard pages >= Self.few, (0...Self.few).contains(grown), end + Self.few * Self.frameBytes > size else { return }
        guard file?.replacement == nil else { return }
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { return }
        size = Int(facts.st_size)
        // Only beyond the end of the file, where there are no frames.
        guard end + Self.few * Self.frameBytes > size else { return }
        let zeros = [UInt8](repeating: 0, count: Self.chunk)
        size += max(0, pwrite(descriptor, zeros, zeros.count, off_t(size)))
    }
}
