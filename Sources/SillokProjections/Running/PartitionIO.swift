import SillokCore
import SillokProjectionMachine
import SillokSQL

/// The I/O of a `PartitionMachine`: it executes actions on the store and the read model, and waits.
final class PartitionIO: Sendable {
    private let store: any EventStore
    /// `nil` for a build with one partition.
    private let pages: PartitionPages?
    private let ledger: Ledger
    private let rule: ProjectionRule
    private let id: ProjectionID
    private let partition: Int
    private let limit: Int
    private let clock: any Clock<Duration>
    private let wakeUp: WakeUp
    /// The number of wake-ups that were handled.
    private let heard: Lock<Int>
    /// Whether there are events that were not read yet, as far as this partition knows.
    private let isBehind = Lock(true)

    /// - Parameters:
    ///   - limit: the number of events of a page.
    ///   - heard: the number of wake-ups before the partition was loaded.
    init(
        store: any EventStore, pages: PartitionPages?, ledger: Ledger, rule: ProjectionRule, id: ProjectionID,
        partition: Int, limit: Int, clock: any Clock<Duration>, wakeUp: WakeUp, heard: Int
    ) {
        self.store = store
        self.pages = pages
        self.ledger = ledger
        self.rule = rule
        self.id = id
        self.partition = partition
        self.limit = limit
        self.clock = clock
        self.wakeUp = wakeUp
        self.heard = Lock(heard)
    }

    /// Executes an action that is answered by an input.
    func execute(_ action: PartitionMachine.Action) async throws -> PartitionMachine.Input {
        switch action {
        case .read(let mark): .page(try await read(after: mark))
        case .loadDocuments(let keys): .documents(try await documents(keys))
        case .loadDeadLetters(let sequence): try await deadLetters(of: sequence)
        case .deliver(let sequences): .delivered(try await deliver(sequences))
        case .write(let write): try await execute(write)
        case .wait(let position, let duration): try await wait(for: position, atMost: duration)
        case .readRow: .row(try await readRow())
        case .report, .reachedHead, .end: .timePassed
        }
    }

    private func deliver(_ sequences: [[RecordedEvent]]) async throws -> [Position: any Error] {
        guard let delivery = rule.delivery else { return [:] }
        let links = sequences.joined().lazy.compactMap(\.metadata.traceparent)
        return try await Spans.within(.delivery, id.name, links: Array(links)) {
            try await delivery.deliver(sequences)
        }
    }

    private func read(after mark: EventMark) async throws -> EventBatch {
        let (store, source, limit) = (store, rule.source, limit)
        return try await store.ofHistory(id) {
            guard let pages else { return try await store.read(source, resumingAfter: mark, limit: limit) }
            let page = try await pages.page(after: mark, isFresh: isBehind.withLock { $0 }) {
                try await store.read(source, resumingAfter: mark, limit: limit)
            }
            isBehind.withLock { $0 = !page.isEnd }
            return page
        }
    }

    private func readRow() async throws -> PartitionRow? {
        // The next wait notices later wake-ups.
        let count = wakeUp.count
        let row = try await ledger.partition(partition, of: id)
        heard.withLock { $0 = max($0, count) }
        return row
    }

    private func execute(_ write: ReadModelWrite) async throws -> PartitionMachine.Input {
        do {
            try await Spans.within(.project, id.name) { try await ledger.model.write(write) }
            return .written
        } catch let failure as ChangeFailed {
            return .changeFailed(failure)
        } catch is ConditionFailed {
            return .conditionFailed
        }
    }

    private func wait(for position: Position, atMost duration: Duration) async throws -> PartitionMachine.Input {
        let (store, clock, wakeUp, heard) = (store, clock, wakeUp, heard.withLock { $0 })
        // Any event moves the checkpoint of a projection: `model(atLeast:)` also waits for positions that the rule does
        // not read.
        let query = rule.delivery == nil ? EventQuery.all : rule.source
        return try await firstResult { [isBehind] in
            try await store.reach(position, for: query)
            isBehind.withLock { $0 = true }
            return .headMoved
        } or: {
            try await wakeUp.wait(beyond: heard, atMost: duration, clock) ? .woken : .timePassed
        }
    }

    private func documents(_ keys: [StreamID]) async throws -> [DocumentCache.Row] {
        guard let table = rule.documents?.table else { return [] }
        var found: [StreamID: String] = [:]
        for start in stride(from: 0, to: keys.count, by: 100) {
            var wanted: SQL = ""
            for (index, key) in keys[start..<min(start + 100, keys.count)].enumerated() {
                wanted = index == 0 ? "\(key)" : "\(wanted), \(key)"
            }
            let rows = try await ledger.model.rows(
                "SELECT key, document FROM \(table: table) WHERE key IN (\(wanted))", of: id)
            for row in rows { found[StreamID(try row.text("key"))] = try row.text("document") }
        }
        return keys.map { DocumentCache.Row(key: $0, text: found[$0]) }
    }

    /// Returns the first dead letters of a sequence with their events, and the number of all.
    private func deadLetters(of sequence: StreamID) async throws -> PartitionMachine.Input {
        let place: SQL = "\(Ledger.whose(id)) AND sequence = \(sequence) AND state <> 'skipped'"
        let rows = try await ledger.model.ownRows(
            """
            SELECT position, event, attempts, replacement FROM sillok_dead_letters \(place) ORDER BY position
            LIMIT \(rule.delivery == nil ? 200 : 20)
            """)
        let count = try await ledger.model.ownRows("SELECT COUNT(*) AS letters FROM sillok_dead_letters \(place)")
        let store = store
        let letters = try await withThrowingTaskGroup(of: ParkedDeadLetter.self) { group in
            for row in rows {
                group.addTask { try await ParkedDeadLetter(row, store) }
            }
            return try await group.reduce(into: [ParkedDeadLetter]()) { $0.append($1) }
        }
        return .deadLetters(
            letters.sorted { $0.position < $1.position }, total: try count.first?.count("letters") ?? 0)
    }
}

extension ParkedDeadLetter {
    fileprivate init(_ row: SQLRow, _ store: any EventStore) async throws {
        let position = try row.position("position")
        let event = try await store.deadLetter(row["event"].text, at: position).replacing(row["replacement"].text)
        self.init(position: position, attempts: try row.count("attempts"), event: event)
    }
}

extension EventStore {
    /// Runs a read. If the log is not the one from which a build was made, the error names the build.
    func ofHistory<Result: Sendable>(_ id: ProjectionID, _ read: () async throws -> Result) async throws -> Result {
        do {
            return try await read()
        } catch let error as StoreError where error.code == .storeChanged {
            throw StoreError(.storeChanged, "\(id) was made from another log: \(error.message)")
        }
    }
}
