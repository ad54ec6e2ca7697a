package import SillokCore

extension AppendRequest {
    /// The recorded events, for projections that run within the append.
    package func recorded(_ receipt: Receipt, times: [Int64]) -> [RecordedEvent] {
        var next = receipt.revisions
        var events: [RecordedEvent] = []
        events.reserveCapacity(entries.count)
        // From the last to the first, for the receipt has the last revision of each stream.
        for (index, entry) in entries.enumerated().reversed() {
            var revision = Revision.none
            if let stream = entry.stream, let last = next[stream] {
                revision = last
                next[stream] = Revision(last.value - 1)
            }
            events.append(
                RecordedEvent(
                    position: Position(receipt.firstPosition.value + UInt64(index)), stream: entry.stream,
                    revision: revision, recordedAt: Timestamp(microsecondsSince1970: times[index]),
                    tracking: tracking, data: entry.event))
        }
        return events.reversed()
    }
}
