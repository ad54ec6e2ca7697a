import SillokCore
import SillokSegments
import SillokStorage

/// An append that waits for the writer: its records and the keys of its events, which were computed in the caller's
/// task.
final class LogRequest: Sendable {
    let prepared: PreparedAppend
    let records: EncodedAppend
    /// The keys of all events, one after the other.
    let keys: [Int64]
    /// The end of each event's keys in ``keys``.
    let keyEnds: [Int]
    /// The memory that the append holds while it waits.
    let retainedBytes: Int

    init(_ request: AppendRequest, _ keys: LogKeys, isChained: Bool) {
        prepared = PreparedAppend(request, isChained: isChained)
        records = EncodedAppend(request, hasLinks: isChained)
        var (all, ends): ([Int64], [Int]) = ([], [])
        all.reserveCapacity(request.entries.count * 6)
        ends.reserveCapacity(request.entries.count)
        for entry in request.entries {
            keys.append(entry.event, in: entry.stream, to: &all)
            ends.append(all.count)
        }
        (self.keys, keyEnds) = (all, ends)
        retainedBytes = prepared.retainedBytes + records.count + all.count * 8
    }

    /// The same append after one more judgement outside the writer.
    init(_ request: LogRequest, _ prepared: PreparedAppend) {
        self.prepared = prepared
        (records, keys, keyEnds) = (request.records, request.keys, request.keyEnds)
        retainedBytes = request.retainedBytes
    }

    /// The append's share of a group: its number of events or its KiB, whichever is more.
    var weight: Int { max(prepared.request.entries.count, retainedBytes / 1024) }
}

/// The result of an append.
enum LogAnswer: Sendable {
    /// The events are recorded, now or by an earlier append.
    case appended(Receipt, head: Position)
    /// Judging the condition takes longer than the writer may spend: a reader must do it.
    case undecided
    /// The read model was used. `isDone` says whether the log has no more events for a rule that is being attached.
    case modelled(isDone: Bool)
}
