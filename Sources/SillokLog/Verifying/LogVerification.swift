import SillokCore
import SillokIndexFile
import SillokSQLiteConnections
import SillokSegments
import SillokStorage
import SillokSystem
import SillokThreads

/// A check of a store from the first event to the last: the log itself, and the index against the log.
///
/// Every record is read once in the order of positions. The entries that the index must have are added up, and compared
/// with the sum of those that it has.
struct LogVerification {
    private let reader: LogReader
    private let report: (WorkProgress) -> Void
    private let cancellation: Cancellation
    private var findings: [VerificationReport.Finding] = []
    private var revisions: [StreamID: UInt64] = [:]
    private var tracking: [TrackingSource: Tracking] = [:]
    private var lastRecorded: Int64 = .min
    private var events: UInt64 = 0
    private var entries: Int64 = 0
    private var sum = EntrySum()
    private var scratch: [Int64] = []
    /// The damage with which the store was opened.
    private let damage: DamagedLog?
    private static let maximumFindings = 100
    private static let progressInterval: UInt64 = 20_000

    init(
        _ reader: LogReader, _ cancellation: Cancellation, damage: DamagedLog? = nil,
        report: @escaping (WorkProgress) -> Void
    ) {
        (self.reader, self.cancellation, self.damage, self.report) = (reader, cancellation, damage, report)
    }

    /// Runs all checks, unless the cancellation is set meanwhile.
    mutating func run() throws -> VerificationReport {
        try reader.checkFolder()
        try reader.renew()
        while let progress = reader.view.progress {
            // Only a complete index can be compared with the log.
            report(progress)
            try cancellation.check()
            usleep(20_000)
            try reader.renew()
        }
        try reader.completeIndex()
        for place in damage?.places ?? [] { find(place) }
        for loss in damage?.losses ?? [] { find("the events at \(loss) are lost", at: loss.first.value) }
        try checkEvents()
        let streams = UInt64(revisions.count)
        // What an opening for salvage shows of the index is not that of the file.
        if !reader.segments.isSalvaging { try checkIndex() }
        try reader.checkFolder()
        return VerificationReport(events: events, streams: streams, findings: findings)
    }

    /// Adds a finding; returns `false` when there are enough findings to stop.
    @discardableResult
    private mutating func find(_ message: String, at position: UInt64? = nil) -> Bool {
        if findings.count < Self.maximumFindings {
            findings.append(.init(position: position.map { Position($0) }, message))
        }
        return findings.count < Self.maximumFindings
    }

    private mutating func checkEvents() throws {
        let head = UInt64(clamping: reader.view.head)
        var next: UInt64 = 1
        while next <= head {
            do {
                try reader.segments.forEachRecord(from: next, through: head) { record in
                    try check(record)
                    next = max(next, record.position + (record.kind == .event ? 1 : 0))
                    if events.isMultiple(of: Self.progressInterval) || record.position == head {
                        report(WorkProgress(step: "events", done: min(record.position, head), total: head))
                        try cancellation.check()
                    }
                    return true
                }
                if next <= head, damage == nil { find("events are missing up to position \(head)", at: next) }
                return
            } catch let error as CancellationError {
                throw error
            } catch {
                let message = (StoreError.reading(error) as? StoreError)?.message ?? "\(error)"
                guard find(message, at: next) else { return }
                next += 1
            }
        }
    }

    private mutating func check(_ record: RecordView) throws {
        if record.kind == .tracking {
            let progress = try record.tracking()
            tracking[progress.source] = progress
            return
        }
        events += 1
        if record.recorded < lastRecorded {
            find("its recorded time is earlier than that of the event before", at: record.position)
        }
        lastRecorded = record.recorded
        if let stream = try record.stream {
            let before = revisions.updateValue(record.revision, forKey: stream) ?? 0
            if record.revision != before + 1, !isBehindLoss(record.position) {
                find("revision \(record.revision) follows \(before) in its stream", at: record.position)
            }
        } else if record.revision != 0 {
            find("it has a revision and no stream", at: record.position)
        }
        scratch.removeAll(keepingCapacity: true)
        try reader.keys.append(record, to: &scratch)
        for key in scratch { sum.add(key, Int64(clamping: record.position), revision: 0) }
        entries += Int64(scratch.count)
    }

    /// Whether an earlier event is lost, so that the streams may have gaps.
    private func isBehindLoss(_ position: UInt64) -> Bool {
        damage?.losses.first.map { $0.first.value < position } ?? false
    }

    private mutating func checkIndex() throws {
        do {
            try checkEntries()
            try checkNames()
            for (source, progress) in tracking where try reader.tracked(source)?.position != progress.position {
                find("the index has another position of source \(source.text) than \(progress.position)")
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            find((StoreError.reading(error) as? StoreError)?.message ?? "\(error)")
        }
    }

    private mutating func checkEntries() throws {
        var (found, count): (EntrySum, Int64) = (EntrySum(), 0)
        let (start, head) = (reader.view.start, reader.view.head)
        if let table = reader.table {
            for line in try table.damages() { find("the index is damaged: \(line)") }
            try table.forEachEntry(through: start) { key, position in
                found.add(key, position, revision: 0)
                count += 1
                guard count.isMultiple(of: Int64(Self.progressInterval)) else { return }
                report(WorkProgress(step: "index", done: UInt64(count), total: UInt64(max(count, entries))))
                try cancellation.check()
            }
        }
        for part in reader.view.parts {
            for entry in part.contents.withLock({ $0.tail.entries }) where entry.position <= head {
                found.add(entry.key, entry.position, revision: 0)
                count += 1
            }
        }
        if found != sum || count != entries {
            find(
                "the index does not match the events: it has \(count) entries, expected \(entries). Close the store, "
                    + "delete index.sqlite in its folder, and open it again: the index is rebuilt")
        }
    }

    private mutating func checkNames() throws {
        var bound = ""
        while true {
            let page = try reader.streams(after: bound, before: nil, limit: 1000)
            guard let last = page.last else { break }
            for facts in page {
                if revisions.removeValue(forKey: facts.id) != facts.revision.value {
                    find("the index of stream \(facts.id) is wrong")
                }
            }
            bound = last.id.text
            try cancellation.check()
        }
        for stream in revisions.keys.sorted().prefix(10) { find("stream \(stream) is missing from the index") }
    }
}
