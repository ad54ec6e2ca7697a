package import NIOCore

/// Puts the messages of a gRPC stream together from the pieces in which they come.
package struct MessageAssembly: Sendable {
    /// Why a stream cannot be read on.
    package enum Failure: Error, Hashable {
        /// A message larger than is taken.
        case tooLarge(bytes: Int, limit: Int)
        /// A message that is compressed.
        case compressed
    }

    /// The bytes in front of a message: a flag and its length.
    package static let frameBytes = 5

    /// The memory for a message that is reserved before its bytes have come, at most.
    private static let reservedBytes = 512 << 10

    private let limit: Int
    private var pending = ByteBuffer()

    /// Takes messages of at most `limit` bytes.
    package init(limit: Int) { self.limit = limit }

    /// Whether everything that came belongs to messages that were taken out.
    package var isEmpty: Bool { pending.readableBytes == 0 }

    /// Takes a piece.
    package mutating func append(_ piece: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = piece
        } else {
            var piece = piece
            // Otherwise the memory would grow, and be copied, several times.
            if pending.capacity < pending.writerIndex + piece.readableBytes,
                let length: UInt32 = pending.getInteger(at: pending.readerIndex + 1)
            {
                let expected = min(Int(length), limit, Self.reservedBytes) + Self.frameBytes
                let missing = expected - pending.readableBytes
                pending.reserveCapacity(minimumWritableBytes: max(piece.readableBytes, missing))
            }
            pending.writeBuffer(&piece)
        }
    }

    /// The next complete message, or `nil` if some of it has not arrived yet.
    package mutating func next() throws(Failure) -> ByteBuffer? {
        guard let flag: UInt8 = pending.getInteger(at: pending.readerIndex),
            let length: UInt32 = pending.getInteger(at: pending.readerIndex + 1)
        else { return nil }
        guard flag == 0 else { throw .compressed }
        guard Int(length) <= limit else { throw .tooLarge(bytes: Int(length), limit: limit) }
        guard pending.readableBytes >= Self.frameBytes + Int(length) else { return nil }
        pending.moveReaderIndex(forwardBy: Self.frameBytes)
        let message = pending.readSlice(length: Int(length))
        if pending.readableBytes == 0 { pending = ByteBuffer() }
        return message
    }
}
