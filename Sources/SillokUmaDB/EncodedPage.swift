import NIOCore
import SillokCore
import SillokWire

/// A message with the next events of a read of the whole log. It was made on a thread of the store, from the stored
/// bytes.
struct EncodedPage: Sendable {
    /// What is to be read.
    struct Request: Sendable {
        var after: Position
        /// The head that the first page saw; `nil` for that page.
        var through: Position?
        /// The maximum number of events of this page and all later ones.
        var left: Int
        /// The maximum number of events of a message.
        let size: Int
        /// Whether the caller set a maximum.
        let isLimited: Bool
    }

    /// Clients accept messages of at most 4 MiB by default.
    private static let bytes = 1 << 20

    let message: ByteBuffer
    /// The request of the page behind this one.
    let next: Request
    /// Whether nothing is left to be read.
    let isLast: Bool

    init(_ request: Request, head: Position, _ visit: EventBytesVisit) throws {
        var writer = UmaDB.BatchWriter()
        var last: Position?
        let most = min(request.size, request.left)
        try visit { event in
            writer.append(event)
            last = event.position
            return writer.count < most && writer.bytes < Self.bytes
        }
        let end = request.through ?? head
        var next = request
        next.after = last ?? end
        next.through = end
        next.left -= writer.count
        self.next = next
        isLast = next.after >= end || next.left == 0
        let shown = request.isLimited ? last : end == .start ? nil : end
        message = writer.finish(head: shown?.value)
    }
}
