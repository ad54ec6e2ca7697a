import SillokChain
import SillokCore

/// What a log must contain: the groups that were written to it, and which of them were acknowledged.
///
/// A group is acknowledged when a sync after its write has returned. Any other group has an unknown outcome: after the next
/// opening, the log contains the first few of those, whole ones, and none of the others will ever appear.
struct LogModel: Sendable {
    /// An event, or the tracking of an append.
    struct Record: Sendable {
        /// The position of the event; that of the next event for a tracking.
        let position: UInt64
        let isEvent: Bool
        /// Which of the bodies of ``SampleBodies`` it has.
        let body: Int
        let revision: UInt64
        let recorded: Int64
        let link: ChainDigest?
    }

    /// A write of the log: a group, or a mark or seal without records.
    struct Entry: Sendable {
        /// The indexes of its records.
        let records: Range<Int>
        /// The number of entries that were acknowledged before it was written, so that its header proves them.
        let proves: Int
        /// Where it is; `nil` if it was not observed.
        let place: Place?
    }

    /// Bytes of a file.
    struct Place: Hashable, Sendable {
        let path: String
        let range: Range<Int>
    }

    private(set) var records: [Record] = []
    private(set) var entries: [Entry] = []
    /// The number of entries that are acknowledged.
    private(set) var acknowledged = 0

    /// The position of the last event, also of those whose outcome is unknown.
    var head: UInt64 { head(through: records.count) }
    /// The position of the last event that is acknowledged.
    var acknowledgedHead: UInt64 { head(through: acknowledgedRecords) }
    /// The number of records that are acknowledged.
    var acknowledgedRecords: Int { end(ofEntries: acknowledged) }

    /// Takes a write of the log.
    mutating func add(_ records: [Record], at place: Place?) {
        let start = self.records.count
        self.records += records
        entries.append(Entry(records: start..<start + records.count, proves: acknowledged, place: place))
    }

    /// Takes a sync that has returned.
    mutating func acknowledge() { acknowledged = entries.count }

    /// Takes a durable position that the log reports: groups with events up to it are acknowledged, with all before them.
    mutating func acknowledge(through position: UInt64) {
        guard position > acknowledgedHead else { return }
        for index in entries[acknowledged...].indices {
            let records = self.records[entries[index].records]
            if let last = records.last(where: \.isEvent), last.position <= position { acknowledged = index + 1 }
        }
    }

    /// Takes what an opening has shown: the first `count` records, which are acknowledged from then on.
    ///
    /// Returns why the log may not show them.
    mutating func settle(shown count: Int, damaged: Set<Int> = []) -> String? {
        var kept = entries.count
        while kept > 0, entries[kept - 1].records.upperBound > count { kept -= 1 }
        guard end(ofEntries: kept) == count else {
            return "the log shows a part of a group: \(count - end(ofEntries: kept)) of its records"
        }
        if let lost = unexcusedLoss(from: kept, damaged: damaged) { return lost }
        entries.removeSubrange(kept...)
        records.removeSubrange(count...)
        acknowledged = kept
        return nil
    }

    /// Why entries may not be lost without a report; `nil` if they may.
    ///
    /// Damage may remove acknowledged groups from the end without a report, but only if no sound header proves one of them.
    private func unexcusedLoss(from kept: Int, damaged: Set<Int>) -> String? {
        guard let first = entries[kept...].firstIndex(where: { !$0.records.isEmpty }), first < acknowledged else {
            return nil
        }
        guard !damaged.isEmpty, damaged.contains(first) else {
            return "an acknowledged group is missing: entry \(first) of \(acknowledged), after \(describe(first))"
        }
        for (index, entry) in entries.enumerated() where index > first && index < acknowledged {
            guard !damaged.contains(index) else { continue }
            let isInLaterFile = entry.place.map { $0.path != entries[first].place?.path } ?? false
            if entry.proves > first || isInLaterFile {
                return "damage was not reported: entry \(first) is lost, and entry \(index) is sound and proves it"
            }
        }
        return nil
    }

    private func describe(_ entry: Int) -> String { "position \(head(through: entries[entry].records.lowerBound))" }

    /// The position of the last event among the first `count` records.
    func head(through count: Int) -> UInt64 {
        guard count > 0 else { return 0 }
        let record = records[count - 1]
        return record.isEvent ? record.position : record.position - 1
    }

    private func end(ofEntries count: Int) -> Int { count > 0 ? entries[count - 1].records.upperBound : 0 }
}
