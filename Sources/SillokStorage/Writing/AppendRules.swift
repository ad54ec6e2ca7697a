public import SillokCore

extension AppendRequest {
    /// Returns the receipt of the earlier append of these events, or `nil`.
    ///
    /// Inlinable, because each append passes here.
    /// - Parameters:
    ///   - isCertainlyNew: whether no stored event has an id, known without a lookup.
    ///   - find: returns the stored event with an id.
    /// - Throws: `EventIDConflict` if the events are stored in another way; what `find` throws.
    @inlinable @inline(__always)
    package func firstReceipt(
        unless isCertainlyNew: (EventID) -> Bool, find: (EventID) throws -> RecordedEvent?
    ) throws -> Receipt? {
        var known: [RecordedEvent?]?
        for (index, entry) in entries.enumerated() where !isCertainlyNew(entry.event.id) {
            guard let event = try find(entry.event.id) else { continue }
            if known == nil { known = Array(repeating: nil, count: entries.count) }
            known?[index] = event
        }
        guard let known else { return nil }
        return try firstReceipt(of: known)
    }

    /// Returns the receipt of the earlier append of these events, or `nil`.
    ///
    /// - Parameters:
    ///   - candidates: the indices of the events that may be stored, in any order. The others are certainly new.
    ///   - find: returns the stored event with an id.
    /// - Throws: `EventIDConflict` if the events are stored in another way; what `find` throws.
    package func firstReceipt(
        among candidates: [Int], find: (EventID) throws -> RecordedEvent?
    ) throws -> Receipt? {
        var known: [RecordedEvent?]?
        for index in candidates {
            guard let event = try find(entries[index].event.id) else { continue }
            if known == nil { known = Array(repeating: nil, count: entries.count) }
            known?[index] = event
        }
        guard let known else { return nil }
        return try firstReceipt(of: known)
    }

    @usableFromInline
    func firstReceipt(of known: [RecordedEvent?]) throws -> Receipt? { try firstReceipt(known: known) }

    /// Returns the times to record, which never decrease, in microseconds since 1970.
    ///
    /// - Parameters:
    ///   - last: the recorded time of the last event.
    ///   - now: the time for events that have no given one.
    package func recordedTimes(after last: Int64, now: Timestamp) throws(InvalidRequest) -> [Int64] {
        let now = now.microsecondsSince1970
        var last = last
        var times: [Int64] = []
        times.reserveCapacity(entries.count)
        // A loop over the array would copy its elements.
        try entries.withUnsafeBufferPointer { entries throws(InvalidRequest) in
            for index in entries.indices {
                let given = entries[index].recordedAt
                if let given, given.microsecondsSince1970 < last {
                    let last = Timestamp(microsecondsSince1970: last)
                    throw InvalidRequest(.timeRunsBackwards(given: given, last: last), index: index)
                }
                last = given?.microsecondsSince1970 ?? max(now, last)
                times.append(last)
            }
        }
        return times
    }

    /// Throws if the tracked position is not after the one that is recorded.
    ///
    /// - Parameter recorded: returns how far a source was consumed.
    package func checkTracking(_ recorded: (TrackingSource) throws -> Tracking?) throws {
        guard let tracking, let recorded = try recorded(tracking.source)?.position, tracking.position <= recorded
        else { return }
        throw TrackingConflict(given: tracking, recorded: recorded)
    }
}
