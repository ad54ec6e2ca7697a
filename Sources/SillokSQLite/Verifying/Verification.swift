import CSQLite
import SillokCore
import SillokIndex
import SillokSQLiteConnections
import SillokThreads

/// A check of a store from the first event to the last, in one snapshot and in memory that does not grow with the log.
///
/// Events are read once in the order of positions, and index entries once in the order of keys. Both sides add up a
/// fingerprint of every expected (key, position, revision). Equal sums mean two things: the index holds exactly the
/// entries of the events, and the revisions of every stream run 1…n in the order of positions. Only if the sums differ,
/// the check searches entry by entry for the difference.
final class Verification {
    let connection: Connection
    let reader: EventReader
    private let report: (WorkProgress) -> Void
    private let cancellation: Cancellation
    private var findings: [VerificationReport.Finding] = []
    private static let maximumFindings = 100
    private static let progressInterval: Int64 = 20_000

    init(
        _ connection: Connection, limits: Limits, report: @escaping (WorkProgress) -> Void, _ cancellation: Cancellation
    ) throws {
        self.connection = connection
        reader = try EventReader(connection, limits: limits, isWriter: false, tuning: Tuning())
        self.report = report
        self.cancellation = cancellation
    }

    /// Runs all checks, unless the cancellation is set meanwhile.
    ///
    /// - Throws: `CancellationError`; `StoreError` `fileReplaced`: what was checked is not at the path any more.
    func run() throws -> VerificationReport {
        connection.interrupt(when: cancellation)
        let report = try connection.interruptible(by: cancellation, check)
        try connection.file?.check()
        return report
    }

    private func check() throws -> VerificationReport {
        try connection.reading {
            try checkStructure()
            let head = try reader.head()
            let names = try checkNames()
            var scan = EventScan(self)
            let fromEvents = try scan.run(head, names)
            let fromIndex = try IndexScan(self).run(names, total: fromEvents.entries)
            try checkTracking(fromEvents.tracked)
            if fromEvents.sum != fromIndex.sum || fromEvents.entries != fromIndex.entries {
                let before = findings.count
                try IndexComparison(self).run(head, names)
                if findings.count == before { find("the index does not match the events") }
            }
            return VerificationReport(
                events: UInt64(fromEvents.events), streams: fromIndex.streams, findings: findings)
        }
    }

    /// Adds a finding; returns `false` when there are enough findings to stop.
    @discardableResult
    func find(_ message: String, at position: Int64? = nil) -> Bool {
        if findings.count < Self.maximumFindings {
            findings.append(.init(position: position.map { Position(UInt64(clamping: $0)) }, message))
        }
        return findings.count < Self.maximumFindings
    }

    /// Adds an error as a finding, unless it is a cancellation.
    @discardableResult
    func find(_ error: any Error, at position: Int64? = nil) throws -> Bool {
        try cancellation.check()
        if let failure = error as? SQLiteFailure {
            return find("the file is damaged: \(failure.message)", at: position)
        }
        return find((error as? StoreError)?.message ?? "\(error)", at: position)
    }

    /// Reports progress at intervals, and ends the work when the task is cancelled.
    func advance(_ step: String, _ done: Int64, of total: Int64) throws {
        guard done % Self.progressInterval == 0 || done == total else { return }
        report(WorkProgress(step: step, done: UInt64(clamping: done), total: UInt64(clamping: total)))
        try cancellation.check()
    }

    /// Checks the B-trees of the file with SQLite's own check.
    private func checkStructure() throws {
        report(WorkProgress(step: "structure", done: 0, total: 1))
        do {
            let check = try connection.prepare("PRAGMA integrity_check(20)")
            while try check.step() {
                // A check that was interrupted calls the pages that it has not reached damaged.
                try cancellation.check()
                let line = check.text(0)
                if line != "ok" { find("the file is damaged: \(line)") }
            }
        } catch {
            try find(error)
        }
        try cancellation.check()
        report(WorkProgress(step: "structure", done: 1, total: 1))
    }

    /// Checks every name against its checksum. Returns the kind of each by its number.
    private func checkNames() throws -> NameKinds {
        var kinds = NameKinds()
        do {
            let rows = try connection.prepare("SELECT id, kind, text, category, crc FROM names ORDER BY id")
            while try rows.step() {
                let (number, kind, text) = (rows.int(0), rows.int(1), rows.text(2))
                guard let kind = UInt8(exactly: kind), NameKind(rawValue: kind) != nil,
                    rows.int(4) == Names.checksum(of: number, kind: kind, text: text, category: rows.int(3))
                else {
                    find("the name \(number) (\"\(text)\") is damaged: its checksum does not match")
                    continue
                }
                kinds.set(kind, category: rows.int(3), of: number)
            }
        } catch {
            try find(error)
        }
        return kinds
    }

    /// Checks that the progress of every source is that of its last event, or a later one recorded without an event.
    private func checkTracking(_ tracked: [Int64: UInt64]) throws {
        do {
            var left = tracked.merging(try trackedAlone()) { max($0, $1) }
            let rows = try connection.prepare("SELECT source, position FROM tracking")
            while try rows.step() {
                let (source, position) = (rows.int(0), UInt64(bitPattern: rows.int(1)))
                if left.removeValue(forKey: source) != position {
                    find("the tracked position \(position) of source \(source) is not the one that was recorded last")
                }
            }
            for source in left.keys { find("the tracked position of source \(source) is missing") }
        } catch {
            try find(error)
        }
    }

    /// Returns the last position of each source that was recorded without an event.
    private func trackedAlone() throws -> [Int64: UInt64] {
        guard try Schema.trackedAlone.exists(in: connection) else { return [:] }
        var positions: [Int64: UInt64] = [:]
        let rows = try connection.prepare("SELECT source, position FROM tracked_alone")
        while try rows.step() { positions[rows.int(0)] = UInt64(bitPattern: rows.int(1)) }
        return positions
    }
}

/// The kind and the category of every name, by number.
struct NameKinds {
    private var kinds: [UInt8] = []
    private var categories: [Int64: Int64] = [:]

    mutating func set(_ kind: UInt8, category: Int64, of number: Int64) {
        guard let index = Int(exactly: number), index >= 0, index < 1 << 40 else { return }
        if index >= kinds.count { kinds += Array(repeating: UInt8.max, count: index - kinds.count + 1) }
        kinds[index] = kind
        if category != 0 { categories[number] = category }
    }

    func kind(_ number: Int64) -> NameKind? {
        guard let index = Int(exactly: number), kinds.indices.contains(index) else { return nil }
        return NameKind(rawValue: kinds[index])
    }

    func category(ofStream number: Int64) -> Int64? { categories[number] }
}
