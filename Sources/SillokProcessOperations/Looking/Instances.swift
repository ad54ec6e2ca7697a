import SillokCore
import SillokProcesses
import SillokReadSide
import SillokSQL

extension ProcessOperations {
    /// Returns the instances of a process, the most recently started first.
    ///
    /// - Parameters:
    ///   - process: the name of the process.
    ///   - state: only instances in this state.
    ///   - prefix: only instances whose keys begin with this text.
    ///   - cursor: the place after which the page starts: ``ProcessPage/next`` of the page before.
    ///   - limit: the largest number of elements, from 1 to 1000.
    /// - Throws: ``ProcessRefusal`` if the read model has no such process; `StoreError`.
    public func instances(
        of process: String, in state: InstanceState? = nil, keysFrom prefix: String = "",
        after cursor: PageCursor? = nil, limit: Int = 100
    ) async throws -> ProcessPage<InstanceSummary> {
        let index = try await index(of: process)
        let limit = Self.bounded(limit)
        var list = InstanceList(index: index)
        try await list.narrow(toKeysFrom: prefix)
        if let state { try await list.narrow(to: state) }
        if let cursor {
            let (time, key) = (cursor.number, cursor.text)
            list.conditions.append("i.started <= \(time) AND (i.started < \(time) OR i.key > \(key))")
        }
        let filter = list.conditions.reduce("WHERE 1 = 1" as SQL) { "\($0) AND \($1)" }
        let rows = try await index.rows(
            """
            SELECT \(index.instanceColumns) FROM \(list.source) \(filter)
            ORDER BY i.started DESC, i.key LIMIT \(limit + 1)
            """)
        let elements = try rows.prefix(limit).map { try InstanceSummary($0) }
        let next = rows.count > limit ? elements.last : nil
        return ProcessPage(
            elements: elements,
            next: next.map { PageCursor($0.startedAt?.microsecondsSince1970 ?? 0, $0.key) })
    }

    /// Returns an instance with its open work.
    ///
    /// - Throws: ``ProcessRefusal`` if there is no such process or instance.
    public func instance(_ key: String, of process: String) async throws -> InstanceDetail {
        let index = try await index(of: process)
        let found = try await index.rows(
            """
            SELECT \(index.instanceColumns) FROM \(table: index.tables.instances) i WHERE i.key = \(key)
            """)
        let stream = Self.stream(of: key, in: process)
        let facts = try await store.stream(stream)
        let work = try await index.rows(
            """
            SELECT \(IndexRows.workColumns) FROM \(table: index.tables.work) WHERE key = \(key) ORDER BY position
            LIMIT \(InstanceDetail.workLimit)
            """)
        if found.isEmpty && facts == nil && work.isEmpty {
            throw ProcessRefusal(missing: "\(process) has no instance \(key).")
        }
        let unknown = InstanceSummary(
            key: key, state: .notStarted, generation: 0, version: 0, startedAt: nil, parkedBecause: nil)
        return InstanceDetail(
            summary: try found.first.map { try InstanceSummary($0) } ?? unknown, stream: stream,
            revision: facts?.revision ?? .none, work: try work.map { try ProcessWork($0) })
    }

    static func bounded(_ limit: Int) -> Int { min(max(1, limit), 1000) }
}

/// A list of instances: where its query begins, and what it leaves out.
///
/// If only a few instances fit, the query begins with them. Otherwise it begins with those that were started last, of
/// which many fit.
private struct InstanceList {
    let index: IndexRows
    var conditions: [SQL] = []
    private(set) var source: SQL
    private var isNarrow = false

    init(index: IndexRows) {
        self.index = index
        source = "\(table: index.tables.instances) i"
    }

    mutating func narrow(toKeysFrom prefix: String) async throws {
        if prefix.isEmpty { return }
        conditions.append(index.begins(with: prefix))
        guard try await index.hasFewKeys(from: prefix) else { return }
        source = "\(index.keys(from: prefix)) AS i"
        isNarrow = true
    }

    mutating func narrow(to state: InstanceState) async throws {
        switch state {
        case .running:
            conditions.append("i.state = 'running'")
            if !isNarrow, try await index.hasFewOpenSteps() {
                // The order of a cross join is kept.
                let keys: SQL = "(SELECT DISTINCT w.key AS key FROM \(index.openSteps) AS w)"
                source = "\(keys) AS steps CROSS JOIN \(table: index.tables.instances) i"
                conditions.append("i.key = steps.key")
            } else {
                conditions.append(index.hasWork)
            }
        case .waiting: conditions.append("i.state = 'running' AND NOT \(index.hasWork)")
        default: conditions.append("i.state = \(state.rawValue)")
        }
    }
}

extension InstanceSummary {
    init(_ row: SQLRow) throws {
        key = try row.text("key")
        let state = try row.choice("state", as: InstanceState.self)
        self.state = try state == .running && row.count("works") == 0 ? .waiting : state
        generation = try row.count("generation")
        version = try row.count("version")
        let started = try row.time("started")
        startedAt = started.microsecondsSince1970 == 0 ? nil : started
        parkedBecause = row["parked"].text
    }
}
