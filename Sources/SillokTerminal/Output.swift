import SillokCore
import SillokSystem

/// The other end of the output pipe is closed.
package struct BrokenPipe: Error {
    package init() {}
}

/// What is written could not be stored.
package struct OutputFailure: Error, CustomStringConvertible {
    /// The number of the system's error.
    package let code: Int32

    package init(code: Int32) { self.code = code }

    package var description: String { String(cString: strerror(code)) }
}

/// Where text and bytes go: a file descriptor, or memory for a test. Gathers small writes.
///
/// Writing blocks while the reader at the other end of a pipe is slow, which is what a command line should do.
package final class Output: Sendable {
    private struct State {
        var buffer: [UInt8] = []
        var captured: [UInt8] = []
    }

    private let descriptor: Int32?
    private let state = Lock(State())

    /// Writes to a file descriptor, which stays open.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    /// Keeps everything in memory.
    package init() { descriptor = nil }

    /// Adds bytes; they are written when 64 KiB have come together, or by `flush`.
    package func write(_ bytes: some Collection<UInt8>) throws {
        try state.withLock { state in
            state.buffer.append(contentsOf: bytes)
            if state.buffer.count >= 1 << 16 { try drain(&state) }
        }
    }

    /// Adds a line of text.
    package func write(line: String) throws { try write(Array((line + "\n").utf8)) }

    /// Writes what has been added so far.
    package func flush() throws { try state.withLock { state in try drain(&state) } }

    /// What was written to memory.
    package var text: String { state.withLock { String(decoding: $0.captured + $0.buffer, as: UTF8.self) } }

    private func drain(_ state: inout State) throws {
        defer { state.buffer.removeAll(keepingCapacity: true) }
        guard let descriptor else {
            state.captured += state.buffer
            return
        }
        try writeAll(state.buffer, to: descriptor)
    }
}

/// Writes all bytes to a descriptor, however many calls it takes.
package func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws {
    try bytes.withUnsafeBytes { buffer in
        var written = 0
        while written < buffer.count {
            let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
            let count = write(descriptor, rest.baseAddress, rest.count)
            if count >= 0 {
                written += count
            } else if errno == EPIPE {
                throw BrokenPipe()
            } else if errno != EINTR {
                throw OutputFailure(code: errno)
            }
        }
    }
}
