package import SillokCore
import SillokProcessMachine
import SillokProjections
package import SillokReadSide
package import SillokSQL

/// Measures a process by its index. The number of rows that a query reads does not
/// grow with the number of instances.
package struct IndexMeasuring: Sendable {
    /// The number at which counts of work end.
    package static let limit = 10_000

    let store: any EventStore
    let model: any ReadModel
    let build: ProjectionID
    let shards: [Int]
    let process: String
    private let tables: ProcessTables

    package init(
        of process: String, in store: any EventStore, _ model: any ReadModel, _ build: ProjectionID, partitions: Int
    ) {
        self.store = store
        self.model = model
        self.build = build
        self.process = process
        shards = Array(0..<max(1, partitions))
        tables = ProcessTables(process: process)
    }

    private func rows(_ query: SQL) async throws -> [SQLRow] { try await model.rows(query.ofSillok, of: build) }

    /// Measures the process at a time of the store.
    package func measurement(at now: Timestamp) async throws -> ProcessMeasurement {
        let (failing, unknown) = try await failures()
        let paused = try await PausedKinds(model: model, tables: tables, build: build).all()
        return ProcessMeasurement(
            process: process, instances: try await instances(),
            oldestStep: try await oldestStep().map { Self.age(of: $0, at: now) } ?? .zero,
            lateness: try await firstDue().map { Self.age(of: $0, at: now) } ?? .zero, failing: failing,
            unknown: unknown, pausedKinds: Dictionary(paused.map { ($0.kind, $0.reason) }) { $1 })
    }

    private static func age(of time: Timestamp, at now: Timestamp) -> Duration {
        .microseconds(max(0, now.microseconds(since: time)))
    }

    private func instances() async throws -> [String: Int] {
        var instances = ["running": 0, "compensating": 0, "parked": 0, "completed": 0]
        for row in try await rows("SELECT state, number FROM \(table: tables.counts) WHERE number > 0") {
            instances[try row.text("state"), default: 0] += try row.count("number")
        }
        return instances
    }

    /// Returns the number of failing steps and of unknown outcomes, among the oldest rows with a failure.
    package func failures() async throws -> (failing: Int, unknown: Int) {
        let found = try await rows(
            """
            SELECT kind, COUNT(*) AS number FROM (SELECT CASE WHEN kind = 'unknown' THEN kind ELSE '' END AS kind
            FROM \(table: tables.work) WHERE failure IS NOT NULL ORDER BY position, key LIMIT \(Self.limit)) AS found
            GROUP BY kind
            """)
        var counts: [String: Int] = [:]
        for row in found { counts[try row.text("kind")] = try row.count("number") }
        return (counts[""] ?? 0, counts["unknown"] ?? 0)
    }

    /// Returns when the oldest input was recorded that is not handled.
    package func oldestInput() async throws -> Timestamp? { try await oldest("kind = 'input'") }

    /// Returns when the oldest work was recorded that waits for no operator and for no time.
    private func oldestStep() async throws -> Timestamp? {
        try await oldest("kind NOT IN ('', 'deadline', 'held', 'unknown')")
    }

    /// Returns when the oldest work of some kinds was recorded, without that of parked instances.
    ///
    /// Work that has not failed is proposed at 0. Work that has failed is in an index of its own, of which the oldest
    /// rows are looked at.
    private func oldest(_ kinds: SQL) async throws -> Timestamp? {
        let untried = try await rows(
            """
            \(tables.kinds(of: shards)) SELECT MIN(position) AS position FROM (
            SELECT (SELECT w.position FROM \(table: tables.work) w WHERE w.shard = k.shard AND w.kind = k.kind
            AND w.look = 0 ORDER BY w.look, w.position LIMIT 1) AS position FROM k WHERE \(kinds)) AS found
            """)
        let failed = try await rows(
            """
            SELECT position FROM (SELECT position, kind, look FROM \(table: tables.work) WHERE failure IS NOT NULL
            ORDER BY position, key LIMIT \(Self.limit)) AS failed
            WHERE \(kinds) AND look < \(ProcessTables.never) ORDER BY position LIMIT 1
            """)
        guard let oldest = (untried + failed).compactMap({ $0["position"].integer }).min(), oldest > 0 else {
            return nil
        }
        let before = Position(UInt64(oldest) - 1)
        return try await store.read(ReadRequest(.all, after: .position(before), limit: 1)).events.first?.recordedAt
    }

    /// Returns when the first deadline is due that is not one of a parked instance, of those that are due first.
    private func firstDue() async throws -> Timestamp? {
        try await rows(
            """
            SELECT due FROM (SELECT due, look FROM \(table: tables.work) WHERE kind = 'deadline'
            ORDER BY due, position LIMIT \(Self.limit)) AS first
            WHERE look < \(ProcessTables.never) ORDER BY due LIMIT 1
            """
        ).first?.time("due")
    }
}

extension ProcessRunner: MeasuredProcess {
    /// Measures the process by its index, and by the counts of this runner since the previous measurement.
    ///
    /// - Throws: `StoreError` if the index has not been made yet, or the store or the read model does not answer.
    public func measurement() async throws -> ProcessMeasurement {
        guard let build = projector.liveBuild else {
            throw StoreError(.notFound, "the index of \(Manager.name) has not been made: call prepare() first.")
        }
        let index = IndexMeasuring(
            of: Manager.name, in: store, projector.readModel, build, partitions: options.partitions)
        let found = try await index.measurement(at: time.estimate ?? Timestamp(microsecondsSince1970: 0))
        let (retries, lateness) = counters.withLock { counters in
            defer { (counters.recentRetries, counters.recentLateness) = (0, .zero) }
            return (counters.recentRetries, counters.recentLateness)
        }
        return ProcessMeasurement(
            process: found.process, instances: found.instances, oldestStep: found.oldestStep,
            lateness: max(found.lateness, lateness), failing: found.failing, unknown: found.unknown, retries: retries,
            pausedKinds: found.pausedKinds)
    }
}
