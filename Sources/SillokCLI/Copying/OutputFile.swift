import Foundation
import Sillok
import SillokCloudEvents
import SillokTerminal

/// The file that an export writes: a new one, or one to continue.
final class OutputFile {
    let output: Output
    private let descriptor: Int32
    private let path: String
    private let lastLine: [UInt8]?

    /// Creates a new file, or opens an existing one to continue it and removes a partial line at its end.
    init(path: String, resumes: Bool) throws {
        let flags = resumes ? O_RDWR | O_CREAT | O_CLOEXEC : O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        descriptor = open(path, flags, 0o644)
        guard descriptor >= 0 else {
            if errno == EEXIST {
                throw CommandFailure(
                    .usage, "\(path.visible) already exists",
                    hint: "--resume continues it; otherwise give another name.")
            }
            throw CommandFailure(.ioFailure, "\(path.visible): \(OutputFailure(code: errno))")
        }
        self.path = path
        output = Output(descriptor: descriptor)
        lastLine = resumes ? try Self.lastWholeLine(descriptor) : nil
    }

    deinit { close(descriptor) }

    /// The position of the last event in the file, once it is certain that the store has the same event there.
    func resumePosition(in store: some EventStore) async throws -> EventMark? {
        guard let lastLine else { return nil }
        let hint = "Give the file of this store, or a new name."
        guard let event = try? CloudEvent(line: lastLine), let position = event.position else {
            throw CommandFailure(.invalidData, "the last line of \(path.visible) is not an event", hint: hint)
        }
        guard let known = try await store.event(event.entry.event.id), known.position.value == position else {
            throw CommandFailure(
                .conflict, "\(path.visible) ends with an event that the store does not have there", hint: hint)
        }
        return EventMark(known)
    }

    /// Removes the file if nothing was written to it, after a failure.
    func removeIfEmpty() {
        var (held, found) = (stat(), stat())
        guard fstat(descriptor, &held) == 0, stat(path, &found) == 0, held.st_mode & S_IFMT == S_IFREG,
            held.st_size == 0, (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)
        else { return }
        unlink(path)
    }

    /// Returns when everything is on the disk.
    func synchronize() throws {
        try output.flush()
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw OutputFailure(code: errno) }
    }

    /// Cuts the file after its last line break and answers the line before it.
    private static func lastWholeLine(_ descriptor: Int32) throws -> [UInt8]? {
        let size: off_t = lseek(descriptor, 0, SEEK_END)
        var tail: [UInt8] = []
        var start = size
        var end: Int?
        while true {
            if end == nil { end = tail.lastIndex(of: 0x0A) }
            if let end, let before = tail[..<end].lastIndex(of: 0x0A) {
                try cut(descriptor, to: start + off_t(end) + 1)
                return Array(tail[(before + 1)..<end])
            }
            if start == 0 { break }
            let count = min(1 << 20, Int(start))
            start -= off_t(count)
            var chunk = [UInt8](repeating: 0, count: count)
            guard pread(descriptor, &chunk, count, start) == count else { throw OutputFailure(code: errno) }
            tail = chunk + tail
            end = end.map { $0 + count }
            guard tail.count <= 2 * LineReader.lineLimit else {
                throw CommandFailure(.invalidData, "the file ends with a line that no export wrote")
            }
        }
        try cut(descriptor, to: off_t(end.map { $0 + 1 } ?? 0))
        return end.map { Array(tail[..<$0]) }
    }

    private static func cut(_ descriptor: Int32, to length: off_t) throws {
        guard ftruncate(descriptor, length) == 0, lseek(descriptor, 0, SEEK_END) == length else {
            throw OutputFailure(code: errno)
        }
    }
}
