import SillokChain
import SillokCore

/// What a log must contain: the groups that were written to it, and which of them were acknowledged.
///
/// A group is acknowledged when a sync after its write has returned. Any other group has an unknown outcome: after the
/// next opening, the log contains the first few of those, whole ones, and none of the others will ever appear.
struct LogModel: Sendable {
    /// An event, or the tracking of an append.
    struct Record: Sendable {
        /// The position of the event; that of the next event for a tracking.
        let position: UInt64
        let isEvent: Bool
        /// Which append of the history it belongs to, and which record of it is meant.
        let append: Int
        let index: Int
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
        /// Whether all of it is where it was written, although it may not be acknowledged.
        var isWhole: Bool
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
    /// Where marks may be that are not among the entries, because a power cut may have taken them.
    private(set) var possible: [Place] = []

    /// The position of the last event, also of those whose outcome is unknown.
    var head: UInt64 { head(through: records.count) }
    /// The position of the last event that is acknowledged.
    var acknowledgedHead: UInt64 { head(through: acknowledgedRecords) }
    /// The number of records that are acknowledged.
    var acknowledgedRecords: Int { end(ofEntries: acknowledged) }

    /// Takes a write of the log. One that failed is not whole.
    mutating func add(_ records: [Record], at place: Place?, isWhole: Bool) {
        let start = self.records.count
        self.records += records
        entries.append(
            Entry(
                records: start..<start + records.count, proves: acknowledged, place: place,
                isWhole: isWhole && place != nil))
    }

    /// Takes a sync that has returned. It need not make marks behind the last group durable.
    mutating func acknowledge() {
        let last = entries.lastIndex { !$0.records.isEmpty }
        acknowledged = max(acknowledged, last.map { $0 + 1 } ?? 0)
    }

    /// Takes a durable position that the log reports: groups with events up to it are acknowledged, with all before
    /// them.
    mutating func acknowledge(through position: UInt64) {
        guard position > acknowledgedHead else { return }
        for index in entries[acknowledged...].indices {
            let records = self.records[entries[index].records]
            if let last = records.last(where: \.isEvent), last.position <= position { acknowledged = index + 1 }
        }
    }

    /// Takes a power cut or a failed sync: what is not acknowledged may have lost any of its bytes.
    mutating func loseUnsynced() {
        for index in entries[acknowledged...].indices { entries[index].isWhole = false }
    }

    /// Whether the entry was acknowledged, or is at least whole.
    func isSound(_ entry: Int) -> Bool { entry < acknowledged || entries[entry].isWhole }

    /// Takes what an opening has shown: the first `count` records, which are acknowledged from then on.
    ///
    /// Returns why the log may not show them.
    mutating func settle(shown count: Int, damaged: Set<Int> = []) -> String? {
        var kept = entries.count
        while kept > 0, entries[kept - 1].records.upperBound > count { kept -= 1 }
        guard end(ofEntries: kept) == count else {
            return "the log shows only \(count - end(ofEntries: kept)) records of the group at \(describe(kept))"
        }
        if let reason = unexcusedLoss(from: kept, damaged: damaged) { return reason }
        // Marks behind the last group may be lost, or not.
        while kept > 0, entries[kept - 1].records.isEmpty, !isSound(kept - 1) { kept -= 1 }
        possible += entries[kept...].compactMap { $0.records.isEmpty ? $0.place : nil }
        entries.removeSubrange(kept...)
        records.removeSubrange(count...)
        acknowledged = kept
        return nil
    }

    /// Why entries may not be lost without a report; `nil` if they may.
    ///
    /// Damage may remove acknowledged groups from the end without a report, but only if no sound header proves one of
    /// them.
    private func unexcusedLoss(from kept: Int, damaged: Set<Int>) -> String? {
        guard let first = entries[kept...].firstIndex(where: { !$0.records.isEmpty }), first < acknowledged else {
            return nil
        }
        // A mark in front of it may be what is damaged.
        let start = entries[..<first].lastIndex { !$0.records.isEmpty }.map { $0 + 1 } ?? 0
        guard (start...first).contains(where: damaged.contains) else {
            return "an acknowledged group is missing: entry \(first) of \(acknowledged), at \(describe(first))"
        }
        for index in entries[first...].indices.dropFirst() where isSound(index) && !damaged.contains(index) {
            let entry = entries[index]
            let isInLaterFile = entry.place.map { $0.path != entries[first].place?.path } ?? false
            if entry.proves > first || isInLaterFile {
                return "damage was not reported: entry \(first) is lost, and entry \(index) is sound and proves it"
            }
        }
        return nil
    }

    /// Whether a bad place in this entry may be reported as damage: whether something may prove that it was durable.
    func mayBeProved(_ entry: Int) -> Bool {
        isSound(entry) || entries[entry...].contains { $0.place?.path != entries[entry].place?.path }
    }

    private func describe(_ entry: Int) -> String {
        "position \(head(through: entries[entry].records.lowerBound) + 1)"
    }

    /// The position of the last event among the first `count` records.
    func head(through count: Int) -> UInt64 {
        guard count > 0 else { return 0 }
        let record = records[count - 1]
        return record.isEvent ? record.position : record.position - 1
    }

    private func end(ofEntries count: Int) -> Int { count > 0 ? entries[count - 1].records.upperBound : 0 }
}

extension LogModel {
    /// The index of the record of the event at a position.
    func event(at position: UInt64) -> Int? {
        guard let index = firstRecord(from: position), records[index].isEvent else { return nil }
        return records[index].position == position ? index : nil
    }

    /// The index of the entry that contains the event at a position.
    func entry(of position: UInt64) -> Int? {
        guard let record = event(at: position) else { return nil }
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].records.upperBound <= record { low = middle + 1 } else { high = middle }
        }
        return low < entries.count ? low : nil
    }

    /// The index of the event with this position, or of what follows it.
    private func firstRecord(from position: UInt64) -> Int? {
        var (low, high) = (0, records.count)
        while low < high {
            let middle = (low + high) / 2
            let record = records[middle]
            if record.position < position || (record.position == position && !record.isEvent) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < records.count ? low : nil
    }
}
