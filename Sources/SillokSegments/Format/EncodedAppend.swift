package import SillokChain
package import SillokCore

/// The records of one append, encoded in the caller's task: everything but positions, revisions, times and links.
///
/// The bytes are those of the segment, so the committer copies them and fills the prefixes. A tracking record comes
/// first if the request has tracking.
package struct EncodedAppend: Sendable {
    /// The number of events.
    package let events: Int
    /// The number of bytes in a segment.
    package var count: Int { bytes.count }

    let bytes: [UInt8]
    /// The offset of each record in `bytes`, the tracking record first.
    let offsets: [UInt32]
    let hasLinks: Bool

    /// Encodes the events and the tracking of a request.
    ///
    /// - Parameter hasLinks: whether each event gets a link of the hash chain.
    package init(_ request: AppendRequest, hasLinks: Bool) {
        self.init(request.entries, tracking: request.tracking, hasLinks: hasLinks)
    }

    /// Encodes events that are appended together.
    package init(_ entries: [AppendRequest.Entry], tracking: Tracking?, hasLinks: Bool) {
        fatalError("follows")
    }
}

/// What the committer adds to an event: its place in its stream, its time, and its link of the chain.
package struct EventStamp: Sendable {
    package var revision: UInt64
    /// In µs since 1970.
    package var recorded: Int64
    /// Present exactly if the append was encoded with links.
    package var link: ChainDigest?

    package init(revision: UInt64, recorded: Int64, link: ChainDigest?) {
        (self.revision, self.recorded, self.link) = (revision, recorded, link)
    }
}
