import Foundation

/// A program that runs beside this one and whose output is read as it comes.
///
/// Reads block: only for threads of our own.
final class ChildProcess: Sendable {
    private let process: Process
    private let output: FileHandle
    private let name: String

    /// Starts a program found on the path, with `input` on its standard input. Its complaints go to ours.
    init(_ arguments: [String], input: String = "") throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        name = arguments.prefix(4).joined(separator: " ")
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = try Self.file(with: input)
        output = pipe.fileHandleForReading
        try process.run()
    }

    /// Fills `buffer` as far as there is output: the count of its bytes, or 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = Foundation.read(output.fileDescriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw ChildFailure(program: name, reason: String(cString: strerror(errno))) }
        }
    }

    /// All of the output at once.
    func readAll() throws -> [UInt8] {
        var all: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count = try read(into: buffer)
            if count == 0 { break }
            all.append(contentsOf: buffer.prefix(count))
        }
        return all
    }

    /// Waits for the end; throws unless it was a good one.
    func finish() throws {
        let status = wait()
        guard status == 0 else { throw ChildFailure(program: name, reason: "it ended with status \(status)") }
    }

    /// Waits for the end: the status.
    func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Asks it to end now.
    func stop() { process.terminate() }

    private static func file(with text: String) throws -> FileHandle {
        if text.isEmpty { return .nullDevice }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("git-history-\(UUID().uuidString)")
        try Data(text.utf8).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        return try FileHandle(forReadingFrom: path)
    }
}

/// A program did not do its work.
struct ChildFailure: Error, CustomStringConvertible {
    let program: String
    let reason: String
    var description: String { "`\(program)` failed: \(reason)." }
}
