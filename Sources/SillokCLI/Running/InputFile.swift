import Foundation
import SillokTerminal

/// A file to read from, or the standard input.
final class InputFile {
    /// The standard input.
    static var standard: InputFile { InputFile(descriptor: STDIN_FILENO, name: "the standard input", size: nil) }

    let descriptor: Int32
    /// What to call it in messages.
    let name: String
    /// How large it is, if it is a file.
    let size: UInt64?

    /// Opens a file, or the standard input for `-`.
    convenience init(path: String) throws {
        if path == "-" {
            self.init(descriptor: dup(STDIN_FILENO), name: "the standard input", size: nil)
            return
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let status: ExitStatus = errno == ENOENT ? .notFound : .ioFailure
            throw CommandFailure(status, "\(path.visible): \(OutputFailure(code: errno))")
        }
        var facts = stat()
        let isKnown = fstat(descriptor, &facts) == 0
        if isKnown && facts.st_mode & S_IFMT == S_IFDIR {
            close(descriptor)
            throw CommandFailure(.ioFailure, "\(path.visible) is a folder")
        }
        let isFile = isKnown && facts.st_mode & S_IFMT == S_IFREG
        self.init(descriptor: descriptor, name: path.visible, size: isFile ? UInt64(clamping: facts.st_size) : nil)
    }

    private init(descriptor: Int32, name: String, size: UInt64?) {
        self.descriptor = descriptor
        self.name = name
        self.size = size
    }

    deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

    /// All bytes, if there are no more than `limit`.
    func bytes(limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = try await LineReader.read(descriptor)
            if more.isEmpty { return bytes }
            bytes += more
            guard bytes.count <= limit else {
                throw CommandFailure(.invalidData, "\(name) is longer than \(limit.asBytes), the limit of a payload")
            }
        }
    }
}
