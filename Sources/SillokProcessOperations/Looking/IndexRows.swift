import SillokCore
import SillokProcesses
import SillokReadSide
import SillokSQL

/// The rows of the live build of the index of a process.
struct IndexRows: Sendable {
    let model: any ReadModel
    let build: ProjectionBuild
    let tables: ProcessTables

    /// The kinds of effects that are paused.
    var pauses: PausedKinds { PausedKinds(model: model, tables: tables, build: build.id) }

    static let workColumns: SQL = "id, key, kind, name, look, position, due, attempts, failure"

    /// The columns of the instance `i`.
    var instanceColumns: SQL {
        """
        i.key AS key, i.state AS state, i.generation AS generation, i.version AS version, i.started AS started,
        i.parked AS parked, CASE WHEN \(hasWork) THEN 1 ELSE 0 END AS works
        """
    }

    func rows(_ query: SQL) async throws -> [SQLRow] { try await model.rows(query, of: build.id) }

    /// Returns the number of instances in each state, as the index counts them: those that wait run.
    func instances() async throws -> [InstanceState: Int] {
        var instances: [InstanceState: Int] = [:]
        let found = try await rows("SELECT state, number FROM \(table: tables.counts) WHERE number > 0")
        for row in found { instances[try row.choice("state"), default: 0] += try row.count("number") }
        return instances
    }

    /// Returns the number of running instances that have a request or an effect without a known outcome, of those of
    /// the first such steps.
    func working() async throws -> Int {
        try await number(
            """
            SELECT COUNT(*) AS number FROM (SELECT DISTINCT key FROM (SELECT w.key AS key FROM \(openSteps) AS w
            LIMIT \(ProcessSummary.limit)) AS steps) AS keys WHERE EXISTS (
            SELECT 1 FROM \(table: tables.instances) i WHERE i.key = keys.key AND i.state = 'running')
            """)
    }

    /// Whether there are so few steps without a known outcome that a list begins with them.
    func hasFewOpenSteps() async throws -> Bool {
        try await number(
            """
            SELECT COUNT(*) AS number FROM (SELECT w.key FROM \(openSteps) AS w LIMIT \(ProcessSummary.limit)) AS steps
            """) < ProcessSummary.limit
    }

    /// Whether so few keys begin with a text that a list begins with them.
    func hasFewKeys(from prefix: String) async throws -> Bool {
        try await number(
            """
            SELECT COUNT(*) AS number FROM \(keys(from: prefix)) AS i WHERE \(begins(with: prefix))
            """) < ProcessSummary.limit
    }

    /// The first instances whose keys may begin with a text.
    func keys(from prefix: String) -> SQL {
        """
        (SELECT * FROM \(table: tables.instances) WHERE key >= \(prefix) ORDER BY key LIMIT \(ProcessSummary.limit))
        """
    }

    /// Whether the key of the instance `i` begins with a text.
    func begins(with prefix: String) -> SQL {
        "substr(i.key, 1, CAST(\(prefix.unicodeScalars.count) AS INTEGER)) = \(prefix)"
    }

    /// Returns the number of rows of the work under a condition, at most ``ProcessSummary/limit``.
    func count(_ condition: SQL) async throws -> Int {
        try await number(
            """
            SELECT COUNT(*) AS number FROM (SELECT 1 FROM \(table: tables.work) WHERE \(condition)
            LIMIT \(ProcessSummary.limit)) AS found
            """)
    }

    private func number(_ query: SQL) async throws -> Int { try await rows(query).first?.count("number") ?? 0 }

    /// Returns the time of the first waiting deadline.
    func nextDue() async throws -> Timestamp? {
        try await rows(
            "SELECT due FROM \(table: tables.work) WHERE kind = 'deadline' ORDER BY due, position LIMIT 1"
        ).first?.time("due")
    }

    /// The shards, as a list for `IN`: the indexes of the work begin with the shard.
    var shards: SQL {
        SQL(stringLiteral: "(" + (0..<build.partitions).map { "\($0)" }.joined(separator: ", ") + ")")
    }

    /// The keys of requests and effects that have no known outcome. Each part is a range of an index.
    var openSteps: SQL {
        let work: SQL = "SELECT key FROM \(table: tables.work) WHERE shard IN \(shards) AND"
        return """
            (\(work) kind = 'request' UNION ALL \(work) kind = 'unknown'
            UNION ALL \(work) kind > 'effect' AND kind < 'effecu')
            """
    }

    /// Whether the instance `i` has a request or an effect that has no known outcome.
    var hasWork: SQL {
        """
        EXISTS (SELECT 1 FROM \(table: tables.work) w WHERE w.key = i.key AND (w.kind = 'request'
        OR w.kind = 'unknown' OR (w.kind > 'effect' AND w.kind < 'effecu')))
        """
    }
}

extension ProcessOperations {
    /// Returns the index of a process.
    func index(of process: String) async throws -> IndexRows {
        guard let build = try await Ledger(model: readModel).live(Self.projection(of: process)) else {
            throw ProcessRefusal(
                missing: "The read model has no process \(process). First start the application that runs it.")
        }
        return IndexRows(model: readModel, build: build, tables: ProcessTables(process: process))
    }

    static func stream(of key: String, in process: String) -> StreamID {
        StreamID(StreamCategory("process:\(process)"), key)
    }
}
