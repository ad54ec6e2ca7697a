import SillokChain
import SillokCore
import SillokIndex
import SillokIndexFile
import SillokSQLiteConnections
import SillokSegments
import SillokStorage

/// The log and its index as one thread reads them. Belongs to that thread.
///
/// It works on a view: the last durable position, and the parts of the index in memory. Entries up to the start of the
/// first part are in the index file, where they never change. So a view needs no transaction.
final class LogReader {
    let limits: Limits
    let keys: LogKeys
    let segments: SegmentReader
    /// `nil` if there is no index file: then the parts have everything.
    private(set) var table: IndexTable?
    /// Opens the file that has replaced a damaged one, and has a damaged one replaced; `nil`: that is impossible.
    private let replacing: (openTable: () throws -> IndexTable, replace: (_ file: Int) -> Void)?
    /// What is known in memory about the keys of the table; `nil`: nothing.
    let filter: TableFilter?
    private let source: any ViewSource
    private let folder: FolderCheck
    private(set) var view: LogView
    /// Whether the parts of the view have the entries of all of its events.
    private var isIndexed = false
    /// The events of the group that is being written. Only the thread that appends has them.
    var pending: PendingEvents?
    /// The positions whose events are lost, in order.
    var losses: [ClosedRange<Int64>] = []

    init(
        _ source: any ViewSource, _ segments: SegmentReader, _ table: IndexTable?, _ keys: LogKeys,
        _ folder: FolderCheck, limits: Limits, _ filter: TableFilter? = nil,
        replacing: (openTable: () throws -> IndexTable, replace: (_ file: Int) -> Void)? = nil
    ) {
        (self.source, self.segments, self.table, self.keys) = (source, segments, table, keys)
        (self.folder, self.limits, self.filter, self.replacing) = (folder, limits, filter, replacing)
        view = LogView(head: 0, parts: [])
    }

    /// Takes the view of now, for everything that is read until the next call.
    func renew() throws {
        let file = view.file
        (view, isIndexed) = (try source.view(), false)
        guard view.file != file, let replacing else { return }
        table = nil
        table = try replacing.openTable()
    }

    /// Brings the parts of the index in the view up to its head.
    func completeIndex() throws {
        guard !isIndexed else { return }
        (view, isIndexed) = (try source.indexed(view), true)
    }

    /// Throws `StoreError` `fileReplaced` if the path of the store leads to another one by now.
    func checkFolder() throws(StoreError) { try folder.check() }

    /// Shows the events of the group that is being written as well. For the thread that appends.
    func extend(to head: Int64) { view.head = head }

    /// Appends up to `limit` positions of a key, from `bound` on in a direction, to `positions`.
    ///
    /// - Returns: the steps of finding the place.
    @discardableResult
    func read(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, limit: Int,
        _ budget: StepBudget? = nil, into positions: inout [Int64]
    ) throws -> Int {
        try completeIndex()
        let target = positions.count + limit
        var cost = 1
        switch direction {
        case .forward:
            cost += try readOlder(key, from: bound, direction, limit: limit, budget, into: &positions)
            for part in view.parts where positions.count < target {
                part.contents.withLock {
                    $0.tail.read(key, from: bound, direction, limit: target - positions.count, into: &positions)
                }
            }
            // The group that is being written may have more.
            while let last = positions.last, last > view.head { positions.removeLast() }
        case .backward:
            let bound = min(bound, view.head)
            for part in view.parts.reversed() where positions.count < target {
                part.contents.withLock {
                    $0.tail.read(key, from: bound, direction, limit: target - positions.count, into: &positions)
                }
            }
            if positions.count < target {
                let limit = target - positions.count
                cost += try readOlder(key, from: bound, direction, limit: limit, budget, into: &positions)
            }
        }
        return cost
    }

    /// Reads the positions that the parts in memory do not have.
    private func readOlder(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, limit: Int, _ budget: StepBudget?,
        into positions: inout [Int64]
    ) throws -> Int {
        let end = view.start
        guard let table, end > 0, direction == .backward || bound <= end, filter?.mayHave(key) ?? true else { return 0 }
        let (indexed, target) = (view.indexed, positions.count + limit)
        var cost = 0
        if direction == .backward { cost += try gap() }
        if positions.count < target, indexed > 0, direction == .backward || bound <= indexed {
            let limit = target - positions.count
            try reportingDamage {
                try table.read(key, from: bound, direction, through: indexed, limit: limit, into: &positions)
            }
            cost += StepBudget.lookup
        }
        if direction == .forward { cost += try gap() }
        return cost

        func gap() throws -> Int {
            try readGap(key, from: bound, direction, limit: target - positions.count, budget, into: &positions)
        }
    }

    /// Runs `body`, which reads the index file. A damaged file is replaced and rebuilt.
    func reportingDamage<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            let isDamage = (error as? SQLiteFailure)?.isOfDamage ?? ((error as? StoreError)?.code == .corrupt)
            guard isDamage, let replacing else { throw error }
            replacing.replace(view.file)
            throw StoreError.damagedIndex
        }
    }

    /// Returns the indices of the keys that the index may have.
    ///
    /// The others are certainly new, which needs no look at the index file.
    func known(_ keys: [Int64]) -> [Int] {
        var found: [Int] = []
        for part in view.parts { part.contents.withLock { $0.tail.find(keys) { found.append($0) } } }
        if table != nil, view.start > 0 { found += filter?.mayHave(keys) ?? Array(keys.indices) }
        return found.count > 1 ? Set(found).sorted() : found
    }

    /// Returns the first event of a key, in a direction from `bound`, for which `isWanted` holds.
    func first(
        _ key: Int64, from bound: Int64, _ direction: ReadRequest.Direction, where isWanted: (RecordedEvent) -> Bool
    ) throws -> RecordedEvent? {
        var (bound, found) = (bound, [Int64]())
        while true {
            found.removeAll(keepingCapacity: true)
            try read(key, from: bound, direction, limit: 1, into: &found)
            guard let place = found.first else { return nil }
            let event = try event(at: place)
            if isWanted(event) { return event }
            bound = direction == .forward ? place + 1 : place - 1
        }
    }

    /// Returns the first or the last event of a stream, or `nil`.
    func event(of stream: StreamID, _ direction: ReadRequest.Direction) throws -> RecordedEvent? {
        try first(keys.key(stream), from: direction == .forward ? 0 : .max, direction) { $0.stream == stream }
    }

    /// Returns how far a source has been consumed, or `nil`.
    func tracked(_ source: TrackingSource) throws -> Tracking? {
        if segments.isSalvaging {
            throw StoreError(
                .corrupt,
                "how far source \(source.text) was consumed is not known, because the log is damaged. "
                    + DamagedLog.remedy)
        }
        try self.source.updateTracking()
        for part in view.parts.reversed() {
            if let tracking = part.contents.withLock({ $0.tracking[source] }) { return tracking }
        }
        return try trackedInGap(source) ?? reportingDamage { try table?.tracking(of: source) }
    }

    /// Returns the links of the chain after a position, in order.
    func links(after position: Position, limit: Int) throws -> [ChainLink] {
        var links: [ChainLink] = []
        let (head, first) = (UInt64(view.head), position.value.addingReportingOverflow(1))
        guard !first.overflow, first.partialValue <= head else { return [] }
        if limit == 1 {
            let digest = try segments.link(at: first.partialValue)
            return digest.map { [ChainLink(position: position.next, digest: $0)] } ?? []
        }
        var next = first.partialValue
        try segments.forEach(from: next, through: head) { record in
            // Links behind a lost event are not the next ones.
            if record.position != next { return false }
            next += 1
            if let digest = record.link { links.append(ChainLink(position: Position(record.position), digest: digest)) }
            return links.count < limit
        }
        if links.isEmpty { try requireAll("the link at position \(first.partialValue)") }
        return links
    }
}

/// What gives readers their view of the log.
protocol ViewSource: AnyObject, Sendable {
    /// Returns the view of now.
    func view() throws -> LogView
    /// Returns the view with the entries of all of its events.
    func indexed(_ view: LogView) throws -> LogView
    /// Adds the tracked positions of now to the view, if it does not have them.
    func updateTracking() throws
}

extension SharedView: ViewSource {
    func view() -> LogView { current }

    /// The thread that appends adds the entries before it shows the events.
    func indexed(_ view: LogView) -> LogView { view }

    func updateTracking() {}
}
