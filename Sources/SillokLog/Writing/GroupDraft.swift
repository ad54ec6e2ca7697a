import SillokChain
import SillokCore
import SillokSegments

/// The end of the log as the thread that appends knows it, and what the group that is being written has added.
struct GroupDraft {
    /// The last position.
    var head: Int64
    /// When the last event was recorded, in microseconds since 1970.
    var lastRecorded: Int64 = .min
    /// The link of the last event, or the chain's start value without one; `nil` if no chain is kept.
    var lastLink: ChainDigest?
    /// The streams that the group has begun.
    var streams: [StreamID] = []
    /// The positions of sources that the group has recorded.
    var tracking: [TrackingSource: Tracking] = [:]

    /// Reads the end of the log.
    init(_ segments: SegmentReader, head: Int64, _ chain: Chain?) throws {
        self.head = head
        let last = UInt64(clamping: head)
        if head > 0 { lastRecorded = try segments.recorded(at: last) }
        guard let chain else { return }
        if position.next == chain.start {
            lastLink = chain.genesis
        } else if let link = try segments.link(at: last) {
            lastLink = link
        } else {
            throw StoreError(
                .corrupt,
                "the event at position \(head), the last one, has no link in the hash chain. Run `sillok verify "
                    + "--chain`; to continue without a chain, open the store with keepsChain: false.")
        }
    }

    /// The last position.
    var position: Position { Position(UInt64(clamping: head)) }

    /// The state after the group became durable.
    var settled: GroupDraft {
        var draft = self
        draft.streams = []
        draft.tracking = [:]
        return draft
    }
}
