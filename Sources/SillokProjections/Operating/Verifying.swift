public import SillokCore
public import SillokSQL

/// The result of a comparison of a projection with the log.
public struct ProjectionVerification: Sendable {
    /// A difference between the projected events and the log.
    public enum Finding: Hashable, Sendable, CustomStringConvertible {
        /// The log has this event, but the projection never handled it. The events directly after it may be missing
        /// too.
        case missing(Position, EventID)
        /// The projection handled this event more than once. The same may hold for the events directly after it.
        case repeated(Position, EventID)
        /// There is another difference after the first position and up to the second, such as several events that do
        /// not follow one another, or an event that the log does not have.
        case differs(after: Position, upTo: Position)

        /// The difference in a sentence.
        public var description: String {
            switch self {
            case .missing(let position, let event): "the event \(event) at position \(position) was never projected"
            case .repeated(let position, let event):
                "the event \(event) at position \(position) was projected more than once"
            case .differs(let start, let end):
                "the events that were projected after position \(start) and up to \(end) differ from the log"
            }
        }
    }

    /// The build that was compared.
    public let projection: ProjectionID
    /// The number of events that were compared.
    public let events: UInt64
    /// The position up to which they were compared.
    public let position: Position
    /// The number of these events that are dead letters or were skipped: handled, but not in the rows.
    public let deadLetters: Int
    /// The first difference of each partition; empty if there is none.
    public let findings: [Finding]
}

extension ReadSide {
    /// Compares the log with the events that the live build of a projection handled. Finds the first event that is
    /// missing or was handled more than once.
    ///
    /// - Parameters:
    ///   - name: the projection.
    ///   - progress: called with the number of compared positions and the total number.
    /// - Throws: `ProjectionRefusal` if there is no such projection, if it is a publisher, or if it has a custom
    ///   sequencing and more than one partition.
    public func verify(
        _ name: String, progress: (_ done: Position, _ of: Position) -> Void = { _, _ in }
    ) async throws -> ProjectionVerification {
        let live = try await live(name)
        if live.isPublisher { throw ProjectionRefusal("\(name) is a publisher and has no rows to verify.") }
        let partitions = try await ledger.partitions(of: live.id)
        guard let sequencing = live.partitions == 1 ? .total : Sequencing.named(live.sequencing) else {
            throw ProjectionRefusal(
                "\(live.id) cannot be verified: it has a custom sequencing and more than one partition.")
        }
        var comparisons: [LogComparison] = []
        for partition in partitions {
            comparisons.append(LogComparison(partition, marks: try await marks(live.id, partition.number)))
        }
        let end = partitions.map(\.checkpoint.position).max() ?? .start
        var events: UInt64 = 0
        let query = try StoredQuery.query(of: live.source)
        let request = ReadRequest(query, before: .position(end.next), limit: store.limits.pageEvents)
        for try await page in store.pages(request) {
            for event in page.events {
                let partition = sequencing.partition(of: event, among: live.partitions)
                if comparisons.indices.contains(partition) { comparisons[partition].take(event) }
                events += 1
            }
            progress(min(page.through, end), end)
        }
        for index in comparisons.indices { comparisons[index].finish() }
        let letters = try await readModel.ownRows(
            "SELECT COUNT(*) AS letters FROM sillok_dead_letters \(Ledger.whose(live.id))")
        return ProjectionVerification(
            projection: live.id, events: events, position: end,
            deadLetters: try letters.first?.count("letters") ?? 0,
            findings: comparisons.compactMap(\.finding))
    }

    private func marks(_ id: ProjectionID, _ partition: Int) async throws -> [Checkpoint] {
        let store = try await store.storeID()
        return try await readModel.ownRows(
            "SELECT position, count, sum FROM sillok_marks \(Ledger.whose(id, partition)) ORDER BY position"
        ).map { row in
            Checkpoint(
                store: store, position: try row.position("position"),
                count: UInt64(bitPattern: try row.integer("count")), sum: UInt64(bitPattern: try row.integer("sum")))
        }
    }
}

/// A comparison of the log with the checkpoints of a partition, from mark to mark.
///
/// Checkpoints contain a sum of event hashes, so the difference identifies the event. If one event is missing, the sums
/// differ by its hash; if a run of events is missing, by the sum of the run.
struct LogComparison {
    private let marks: [Checkpoint]
    private var next = 0
    private var start: Checkpoint
    private var chunk: [(position: Position, event: EventID)] = []
    private(set) var finding: ProjectionVerification.Finding?

    init(_ partition: PartitionRow, marks: [Checkpoint]) {
        self.marks = marks.filter { $0.position < partition.checkpoint.position } + [partition.checkpoint]
        start = Checkpoint(store: partition.checkpoint.store)
    }

    mutating func take(_ event: RecordedEvent) {
        while next < marks.count, event.position > marks[next].position { compare() }
        if next < marks.count, finding == nil { chunk.append((event.position, event.id)) }
    }

    mutating func finish() { while next < marks.count { compare() } }

    private mutating func compare() {
        let mark = marks[next]
        next += 1
        defer {
            start = mark
            chunk.removeAll(keepingCapacity: true)
        }
        guard finding == nil else { return }
        let told = mark.sum &- start.sum
        let log = chunk.reduce(0) { $0 &+ Checkpoint.hash(of: $1.event, at: $1.position) }
        guard told != log || mark.count &- start.count != UInt64(chunk.count) else { return }
        finding = explain(told &- log, upTo: mark.position)
    }

    /// Finds the one event, or the run of events, by which the sums differ.
    private func explain(_ difference: UInt64, upTo end: Position) -> ProjectionVerification.Finding {
        var sums: [UInt64: Int] = [0: 0]
        var sum: UInt64 = 0
        for (index, entry) in chunk.enumerated() {
            sum &+= Checkpoint.hash(of: entry.event, at: entry.position)
            if let first = sums[sum &+ difference] { return .missing(chunk[first].position, chunk[first].event) }
            if let first = sums[sum &- difference] { return .repeated(chunk[first].position, chunk[first].event) }
            sums[sum] = index + 1
        }
        return .differs(after: start.position, upTo: end)
    }
}
