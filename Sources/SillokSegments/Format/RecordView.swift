package import SillokChain
package import SillokCore

/// A record in the memory of a reader. Valid only within the call that received it.
package struct RecordView {
    /// What a record contains.
    package enum Kind: UInt8 { case event = 1, tracking = 2 }

    /// What a name in an event means.
    package enum NameKind: UInt8, Sendable { case type, contentType, stream, trackingSource, tag }

    package let kind: Kind
    /// The position of the event, or of the next event for a tracking record.
    package let position: UInt64
    /// 0 for an event without a stream, and for a tracking record.
    package let revision: UInt64
    /// In µs since 1970; 0 for a tracking record.
    package let recorded: Int64
    /// The link of the chain, if the event has one.
    package let link: ChainDigest?
    /// The encoded body, checked.
    package let body: UnsafeRawBufferPointer

    /// The id of the event.
    package var id: EventID { get throws(LogError) { fatalError("follows") } }

    /// Calls `visit` with the UTF-8 bytes of each name of the event: type, content type (not if it is JSON), stream,
    /// tracking source, tags.
    package func forEachName(_ visit: (NameKind, UnsafeRawBufferPointer) -> Void) throws(LogError) {
        fatalError("follows")
    }

    /// Decodes the event.
    package func event() throws(LogError) -> RecordedEvent { fatalError("follows") }

    /// Decodes the progress of a tracking record, with the id of the foreign event.
    package func tracking() throws(LogError) -> Tracking { fatalError("follows") }
}
