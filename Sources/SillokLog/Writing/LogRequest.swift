import SillokChain
import SillokCore
import SillokSegments
import SillokStorage

/// An append that waits for the writer: its records and the keys of its events, which were computed in the caller's
/// task.
final class LogRequest: WaitingAppend {
    /// Events that follow one another and have the same names.
    struct NameRun: Sendable {
        let events: Range<Int>
        /// Where the keys of the names are in ``LogRequest/nameKeys``.
        let names: Range<Int>
    }

    /// Events that follow one another and are in the same stream, or in none.
    struct StreamRun: Sendable {
        let stream: StreamID?
        var events: Range<Int>
    }

    let prepared: PreparedAppend
    let records: EncodedAppend
    let streamRuns: [StreamRun]
    let nameRuns: [NameRun]
    /// The keys of the names of all runs, one after the other.
    let nameKeys: [Int64]
    /// The keys of the ids of all events.
    let idKeys: [Int64]
    /// The highest key of a time-ordered id; −1 without one.
    let highestOrderedKey: Int64
    /// Whether an event has a given time.
    let hasGivenTimes: Bool
    /// The memory that the append holds while it waits.
    let retainedBytes: Int

    /// The number of events from which on the digests are made in a task of their own.
    private static let largeBatch = 256

    /// Prepares an append whose ``AppendRequest/runs`` are known, a large one in two tasks.
    static func prepared(
        _ request: AppendRequest, _ runs: [Int], _ keys: LogKeys, isChained: Bool
    ) async -> LogRequest {
        guard isChained, request.entries.count >= largeBatch else {
            return LogRequest(request, runs, keys, isChained: isChained)
        }
        async let facts = request.factDigests(runs)
        let (records, all) = (EncodedAppend(request, runs, hasLinks: true), Keys(request, runs, keys))
        return LogRequest(request, runs, facts: await facts, records, all)
    }

    /// Prepares an append in the calling task.
    convenience init(_ request: AppendRequest, _ runs: [Int], _ keys: LogKeys, isChained: Bool) {
        self.init(
            request, runs, facts: isChained ? request.factDigests(runs) : [],
            EncodedAppend(request, runs, hasLinks: isChained), Keys(request, runs, keys))
    }

    private init(
        _ request: AppendRequest, _ runs: [Int], facts: [ChainDigest], _ records: EncodedAppend, _ keys: Keys
    ) {
        prepared = PreparedAppend(request, runs, facts: facts)
        self.records = records
        (streamRuns, nameRuns, nameKeys, idKeys) = (keys.streamRuns, keys.nameRuns, keys.names, keys.ids)
        (highestOrderedKey, hasGivenTimes) = (keys.highestOrdered, keys.hasGivenTimes)
        retainedBytes = prepared.retainedBytes + records.count + (nameKeys.count + idKeys.count) * 8
    }

    /// The same append after one more judgement outside the writer.
    private init(_ request: LogRequest, _ prepared: PreparedAppend) {
        self.prepared = prepared
        (records, streamRuns, nameRuns) = (request.records, request.streamRuns, request.nameRuns)
        (nameKeys, idKeys) = (request.nameKeys, request.idKeys)
        (highestOrderedKey, hasGivenTimes) = (request.highestOrderedKey, request.hasGivenTimes)
        retainedBytes = request.retainedBytes
    }

    func judged(as prepared: PreparedAppend) -> LogRequest { LogRequest(self, prepared) }

    /// The append's share of a group: its number of events or its KiB, whichever is more.
    var weight: Int { max(prepared.request.entries.count, retainedBytes / 1024) }
}

/// The keys of the events of an append.
private struct Keys {
    var streamRuns: [LogRequest.StreamRun] = []
    var nameRuns: [LogRequest.NameRun] = []
    var names: [Int64] = []
    var ids: [Int64] = []
    var highestOrdered: Int64 = -1
    var hasGivenTimes = false

    init(_ request: AppendRequest, _ ends: [Int], _ keys: LogKeys) {
        ids.reserveCapacity(request.entries.count)
        nameRuns.reserveCapacity(ends.count)
        // A loop over the array would copy its elements.
        request.entries.withUnsafeBufferPointer { entries in
            var start = 0
            for end in ends {
                let (first, stream) = (names.count, entries[start].stream)
                keys.append(entries[start].event, in: stream, to: &names)
                nameRuns.append(LogRequest.NameRun(events: start..<end, names: first..<names.count))
                if let last = streamRuns.last, last.stream == stream {
                    streamRuns[streamRuns.count - 1].events = last.events.lowerBound..<end
                } else {
                    streamRuns.append(LogRequest.StreamRun(stream: stream, events: start..<end))
                }
                for index in start..<end {
                    let key = keys.key(entries[index].event.id)
                    ids.append(key)
                    if IndexKey.isTimeOrdered(key) { highestOrdered = max(highestOrdered, key) }
                    if entries[index].recordedAt != nil { hasGivenTimes = true }
                }
                start = end
            }
        }
    }
}
