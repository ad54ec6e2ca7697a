#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Keeps zeros in the write-ahead log ahead of what comes next.
///
/// A commit that makes the file longer has to bring more to the disk than one that writes into what is there: about half
/// as much again for a small one. SQLite takes zeros for what they are, the end of the log. A store that is opened for a
/// few appends is left alone, and so are large commits, which would be written twice.
final class LogRoom {
    private let path: String
    private var pages = 0
    private var size = 0

    /// Commits are small up to so many pages, and room is made once the log has so many.
    private static let few = 64
    private static let chunk = 1 << 20
    private static let (headerBytes, frameBytes) = (32, 24 + 4096)

    /// - Parameter path: that of the database file.
    init(path: String) { self.path = path + "-wal" }

    /// Notes that the log is empty: another process or a checkpoint has cut it.
    func restart() { (pages, size) = (0, 0) }

    /// Makes room if little is left. What fails here fails nothing else.
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
        // Only ever beyond the end of the file: there are no frames.
        guard end + Self.few * Self.frameBytes > size else { return }
        let zeros = [UInt8](repeating: 0, count: Self.chunk)
        size += max(0, pwrite(descriptor, zeros, zeros.count, off_t(size)))
    }
}
