/// The tables that Sillok itself keeps in a read model, in addition to those of the projections.
///
/// The same SQL serves SQLite and PostgreSQL. Unsigned 64-bit numbers are stored as their bit patterns. Read models of
/// older versions may have a table `sillok_reactions`, which nothing reads any more.
public enum ReadModelFormat {
    /// The version of the format.
    public static let version = 2

    /// What makes of the tables of an older version those of the version after it, by that version.
    package static let migrations: [Int: [SQL]] = [
        2: [
            "ALTER TABLE sillok_checkpoints ADD COLUMN mark TEXT NOT NULL DEFAULT ''",
            // Decisions were kept with the dead letters of a build.
            """
            INSERT INTO sillok_decisions (projection, event, action)
            SELECT DISTINCT projection, event, 'skip' FROM sillok_dead_letters WHERE state = 'skipped'
            """,
            """
            INSERT INTO sillok_decisions (projection, event, action, replacement)
            SELECT l.projection, l.event, 'replace', MAX(l.replacement) FROM sillok_dead_letters l
            WHERE l.replacement IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sillok_decisions d
                WHERE d.projection = l.projection AND d.event = l.event) GROUP BY l.projection, l.event
            """,
        ]
    ]

    /// The tables and indexes, in the order in which they are made.
    static let made: [Relation] = [
        // Each build of each projection. The state is `building`, `live`, `previous`, or `requested`.
        .table(
            "sillok_builds",
            """
            (
                projection TEXT NOT NULL, version INTEGER NOT NULL, build INTEGER NOT NULL,
                state TEXT NOT NULL, partitions INTEGER NOT NULL, lifecycle TEXT NOT NULL, source TEXT NOT NULL,
                sequencing TEXT NOT NULL, tables TEXT NOT NULL, paused INTEGER NOT NULL, failure TEXT NOT NULL,
                begun BIGINT NOT NULL, caught_up BIGINT NOT NULL, target BIGINT NOT NULL,
                PRIMARY KEY (projection, version, build))
            """),
        // How far each partition of a build has come, with the count and the sum of what it took; who runs it. The
        // epoch rises with everything that its runner must know of. The mark is the position with the id of the event
        // there.
        .table(
            "sillok_checkpoints",
            """
            (
                projection TEXT NOT NULL, version INTEGER NOT NULL, build INTEGER NOT NULL,
                "partition" INTEGER NOT NULL,
                store TEXT NOT NULL, position BIGINT NOT NULL, count BIGINT NOT NULL, sum BIGINT NOT NULL,
                epoch BIGINT NOT NULL, owner TEXT NOT NULL, token BIGINT NOT NULL, beat BIGINT NOT NULL,
                mark TEXT NOT NULL DEFAULT '',
                PRIMARY KEY (projection, version, build, "partition"))
            """),
        // The checkpoint as it was every 1,024 events or so, so that a difference to the log can be found.
        .table(
            "sillok_marks",
            """
            (
                projection TEXT NOT NULL, version INTEGER NOT NULL, build INTEGER NOT NULL,
                "partition" INTEGER NOT NULL,
                position BIGINT NOT NULL, count BIGINT NOT NULL, sum BIGINT NOT NULL,
                PRIMARY KEY (projection, version, build, "partition", position))
            """),
        // Events that were taken and not projected. The state is `failed`, `retrying`, `behind`, `retry` or `skipped`.
        .table(
            "sillok_dead_letters",
            """
            (
                projection TEXT NOT NULL, version INTEGER NOT NULL, build INTEGER NOT NULL,
                "partition" INTEGER NOT NULL,
                position BIGINT NOT NULL, sequence TEXT NOT NULL, event TEXT NOT NULL, type TEXT NOT NULL,
                stream TEXT NOT NULL, state TEXT NOT NULL, error TEXT NOT NULL, attempts INTEGER NOT NULL,
                parked BIGINT NOT NULL, replacement TEXT,
                PRIMARY KEY (projection, version, build, position))
            """),
        .index(
            "sillok_dead_letters_sequence",
            on: "sillok_dead_letters (projection, version, build, sequence, position)"),
        // What operators did, who and why.
        .table(
            "sillok_audit",
            """
            (
                at BIGINT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, action TEXT NOT NULL,
                projection TEXT NOT NULL, version INTEGER NOT NULL, build INTEGER NOT NULL, detail TEXT NOT NULL)
            """),
        // What operators decided about events that could not be projected, for every later build: the action is
        // `skip` or `replace`.
        .table(
            "sillok_decisions",
            """
            (
                projection TEXT NOT NULL, event TEXT NOT NULL, action TEXT NOT NULL, replacement TEXT,
                PRIMARY KEY (projection, event))
            """),
        // States of deciders that were kept, each as of the last event that it has taken. The subject is a stream, or a
        // query as JSON.
        .table(
            "sillok_snapshots",
            """
            (
                decider TEXT NOT NULL, subject TEXT NOT NULL, position BIGINT NOT NULL, events BIGINT NOT NULL,
                event TEXT NOT NULL, recorded_at BIGINT NOT NULL, began BIGINT, store TEXT NOT NULL,
                fingerprint TEXT NOT NULL, state TEXT NOT NULL, checksum BIGINT NOT NULL,
                PRIMARY KEY (decider, subject, position))
            """),
        // The objectives as last measured, by the process that measures them.
        .table(
            "sillok_objectives",
            """
            (
                subject TEXT NOT NULL, objective TEXT NOT NULL, target TEXT NOT NULL, measured TEXT NOT NULL,
                budget_left DOUBLE PRECISION NOT NULL, burn_rate DOUBLE PRECISION NOT NULL, is_met INTEGER NOT NULL,
                at BIGINT NOT NULL, PRIMARY KEY (subject, objective))
            """),
    ]
}
