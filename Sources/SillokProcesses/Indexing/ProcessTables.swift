import SillokSQL

/// The tables of the index of a process.
package struct ProcessTables: Sendable {
    package let work: String
    package let instances: String
    package let counts: String
    package let snapshots: String
    package let kinds: String

    package init(process: String) {
        work = "process_\(process)_work"
        instances = "process_\(process)_instances"
        counts = "process_\(process)_counts"
        snapshots = "process_\(process)_snapshots"
        kinds = "process_\(process)_kinds"
    }

    /// The time at which rows of a parked instance are looked at.
    package static let never = Int64.max

    /// A row is proposed at `look`: for a deadline its time, and for anything else 0, or later after a failure.
    ///
    /// `state` is what operators see of `status`, `compensating` and `parked`; `counts` has the number of instances in
    /// each. `kinds` has the kinds of effects that are paused; it is written by runners and operators, and a rebuild
    /// forgets it, as it forgets the attempts of effects.
    var schema: [SQL] {
        [
            """
            CREATE TABLE \(table: work) (id TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
            shard BIGINT NOT NULL, look BIGINT NOT NULL, position BIGINT NOT NULL, due BIGINT NOT NULL,
            attempts BIGINT NOT NULL, failure TEXT, PRIMARY KEY (id, key))
            """,
            "CREATE INDEX \(index: "work_next") ON \(table: work) (shard, kind, look, position)",
            "CREATE INDEX \(index: "work_key") ON \(table: work) (key, position)",
            "CREATE INDEX \(index: "work_due") ON \(table: work) (due, position) WHERE kind = 'deadline'",
            "CREATE INDEX \(index: "work_failed") ON \(table: work) (position, key) WHERE failure IS NOT NULL",
            """
            CREATE TABLE \(table: instances) (key TEXT NOT NULL PRIMARY KEY, shard BIGINT NOT NULL,
            generation BIGINT NOT NULL, version BIGINT NOT NULL, status TEXT NOT NULL, compensating BIGINT NOT NULL,
            state TEXT NOT NULL, started BIGINT NOT NULL, parked TEXT)
            """,
            "CREATE INDEX \(index: "instances_state") ON \(table: instances) (state, started DESC, key)",
            "CREATE INDEX \(index: "instances_started") ON \(table: instances) (started DESC, key)",
            """
            CREATE TABLE \(table: counts) (state TEXT NOT NULL, shard BIGINT NOT NULL, number BIGINT NOT NULL,
            PRIMARY KEY (state, shard))
            """,
            """
            CREATE TABLE \(table: snapshots) (key TEXT NOT NULL PRIMARY KEY, snapshot TEXT NOT NULL,
            checksum TEXT NOT NULL)
            """,
            """
            CREATE TABLE \(table: kinds) (kind TEXT NOT NULL PRIMARY KEY, since BIGINT NOT NULL, next BIGINT NOT NULL,
            tries BIGINT NOT NULL, reason TEXT NOT NULL)
            """,
        ]
    }
}

extension ProcessTables {
    /// Returns the beginning of a query over `k`: the kinds of the work in each shard, between two texts, and the first
    /// text too. Each kind is one search in an index, independent of the number of its rows.
    func kinds(of shards: [Int], after first: String = "", before last: String = "v") -> SQL {
        let values = SQL(stringLiteral: shards.map { "(\($0))" }.joined(separator: ", "))
        return """
            WITH RECURSIVE s (shard) AS (VALUES \(values)), k (shard, kind) AS (
            SELECT shard, CAST(\(first) AS TEXT) FROM s UNION ALL
            SELECT k.shard, (SELECT w.kind FROM \(table: work) w WHERE w.shard = k.shard AND w.kind > k.kind
            AND w.kind < \(last) ORDER BY w.kind LIMIT 1) FROM k WHERE k.kind IS NOT NULL)
            """
    }
}

extension String {
    /// The text, cut to what a row of the work may contain of an error.
    package var shortened: String { count <= 1000 ? self : prefix(1000) + "…" }
}
