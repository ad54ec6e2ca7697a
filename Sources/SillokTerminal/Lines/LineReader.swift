import SillokCore
import SillokSystem

/// The lines of a file or a pipe, some at a time: memory stays bounded for any size.
///
/// Reads on its own thread, so that a slow pipe blocks no task and an interruption takes effect at once.
package struct LineReader {
    /// Lines that were read together.
    package struct Chunk: Sendable {
        /// The lines, without their ends.
        package var lines: [[UInt8]] = []
        /// Bytes that have been read from the beginning of the file on.
        package var bytesRead: UInt64 = 0
    }

    /// The longest line that is read: 16 MiB, more than any event takes.
    package static let lineLimit = 16 << 20

    private let descriptor: Int32
    private let name: String
    private var rest: [UInt8] = []
    private var bytesRead: UInt64 = 0
    private var linesRead: UInt64 = 0
    private var isAtEnd = false

    /// Reads from a descriptor, which stays open.
    ///
    /// - Parameters:
    ///   - descriptor: the file or the pipe.
    ///   - name: what messages call it.
    package init(descriptor: Int32, name: String = "the input") {
        self.descriptor = descriptor
        self.name = name
    }

    /// The lines that came next, or `nil` after the last.
    package mutating func next() async throws -> Chunk? {
        var chunk = Chunk()
        while chunk.lines.isEmpty {
            if isAtEnd { return nil }
            var bytes = try await Self.read(descriptor)
            isAtEnd = bytes.isEmpty
            if bytesRead == 0 {
                if let refusal = FileStart.refusal(of: name, bytes) { throw refusal }
                bytesRead = UInt64(bytes.count)
                // A mark is not part of the first line.
                if bytes.starts(with: FileStart.mark) { bytes.removeFirst(FileStart.mark.count) }
            } else {
                bytesRead += UInt64(bytes.count)
            }
            split(bytes, into: &chunk.lines)
            if isAtEnd && !rest.isEmpty {
                chunk.lines.append(rest)
                rest = []
            }
            linesRead += UInt64(chunk.lines.count)
            guard rest.count <= Self.lineLimit else {
                throw CommandFailure(
                    .invalidData, "line \((linesRead + 1).grouped) is longer than \(Self.lineLimit.asBytes)",
                    hint: "Is this a file that sillok export wrote?")
            }
        }
        chunk.bytesRead = bytesRead
        return chunk
    }

    private mutating func split(_ bytes: [UInt8], into lines: inout [[UInt8]]) {
        var start = 0
        while start < bytes.count, let end = bytes[start...].firstIndex(of: 0x0A) {
            if rest.isEmpty {
                lines.append(Array(bytes[start..<end]))
            } else {
                rest.append(contentsOf: bytes[start..<end])
                lines.append(rest)
                rest = []
            }
            start = end + 1
        }
        rest.append(contentsOf: bytes[start...])
    }

    /// One read of up to a MiB on a thread of its own; no bytes at the end.
    package static func read(_ descriptor: Int32) async throws -> [UInt8] {
        let (results, continuation) = AsyncStream<Result<[UInt8], CommandFailure>>.makeStream()
        startThread {
            continuation.yield(blockingRead(descriptor))
            continuation.finish()
        }
        for await result in results { return try result.get() }
        throw CancellationError()
    }

    private static func blockingRead(_ descriptor: Int32) -> Result<[UInt8], CommandFailure> {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
            var result = 0
            repeat {
                result = SillokSystem.read(descriptor, buffer.baseAddress, buffer.count)
            } while result < 0 && errno == EINTR
            if result < 0 { failure = errno }
            count = max(0, result)
        }
        return failure == 0
            ? .success(bytes) : .failure(CommandFailure(.ioFailure, "reading failed: \(OutputFailure(code: failure))"))
    }
}
