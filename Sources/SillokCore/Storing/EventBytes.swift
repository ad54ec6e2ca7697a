/// A stored event in the memory of a reader, for a server that passes its bytes on without decoding them. Valid only
/// within the call that received it.
package struct EventBytes {
    package let position: Position
    /// The revision in the stream; `.none` without a stream.
    package let revision: Revision
    package let id: EventID
    package let recordedAt: Timestamp
    package let type: UnsafeRawBufferPointer
    /// `nil`: JSON.
    package let contentType: UnsafeRawBufferPointer?
    package let stream: UnsafeRawBufferPointer?
    package let tracking: (source: UnsafeRawBufferPointer, position: UInt64)?
    /// One tag after the other: its number of bytes as LEB128, and its UTF-8 bytes.
    package let tags: UnsafeRawBufferPointer
    /// The bytes of `Metadata`: each text in the form of a tag.
    package let metadata: UnsafeRawBufferPointer
    package let payload: UnsafeRawBufferPointer

    package init(
        position: Position, revision: Revision, id: EventID, recordedAt: Timestamp, type: UnsafeRawBufferPointer,
        contentType: UnsafeRawBufferPointer?, stream: UnsafeRawBufferPointer?,
        tracking: (source: UnsafeRawBufferPointer, position: UInt64)?, tags: UnsafeRawBufferPointer,
        metadata: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) {
        (self.position, self.revision, self.id, self.recordedAt) = (position, revision, id, recordedAt)
        (self.type, self.contentType, self.stream, self.tracking) = (type, contentType, stream, tracking)
        (self.tags, self.metadata, self.payload) = (tags, metadata, payload)
    }

    /// The texts of a list such as ``tags``. A text that does not fit ends the list.
    package struct Texts {
        private let list: UnsafeRawBufferPointer
        private var index = 0

        package init(_ list: UnsafeRawBufferPointer) { self.list = list }

        package mutating func next() -> UnsafeRawBufferPointer? {
            guard let length = length(), length <= list.count - index else { return nil }
            defer { index += length }
            return UnsafeRawBufferPointer(rebasing: list[index..<index + length])
        }

        private mutating func length() -> Int? {
            var (length, shift) = (0, 0)
            while index < list.count, shift < 56 {
                let byte = list[index]
                index += 1
                length |= Int(byte & 0x7F) << shift
                if byte < 0x80 { return length }
                shift += 7
            }
            return nil
        }
    }
}

/// A store that can show the bytes of its events.
package protocol ByteReadableStore: EventStore {
    /// Calls `make` once, on a thread that may block, with a function that visits the events after a position, in
    /// order, until its body returns `false`.
    ///
    /// - Parameters:
    ///   - last: the last position to visit; `nil`: the head.
    ///   - make: gets the head of the log as well. What it returns is returned.
    /// - Returns: what `make` returned, and the number of events that were visited; `nil` if the store cannot show the
    ///   bytes.
    /// - Throws: `StoreError`, or `CancellationError` when the task is cancelled.
    func readBytes<Output: Sendable>(
        after position: Position, through last: Position?,
        _ make: @escaping @Sendable (_ head: Position, _ visit: EventBytesVisit) throws -> Output
    ) async throws -> (output: Output, events: Int)?
}

/// Visits events until the body returns `false`.
package typealias EventBytesVisit = ((EventBytes) -> Bool) throws -> Void
