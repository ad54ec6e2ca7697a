#if Postgres
extension Step {
    /// Keeps the progress that was recorded without an event in a table of its own.
    ///
    ///   tracked_alone  source → position: the last position that was recorded without an event. `tracking` has this
    ///                  position or that of the last event of the source, the higher of both
    ///
    /// Without it, `verify` cannot know the position that `tracking` must have. The step writes down what is there,
    /// under the lock of the log. If other logs are tracked, it reads the log once for that, and appends wait.
    static let trackedAlone = Step(
        number: 8, name: "tracked alone",
        statements: [
            """
            CREATE TABLE SCHEMA.tracked_alone (source text COLLATE "C" PRIMARY KEY, position numeric(20) NOT NULL)
            """,
            """
            DO $$
            BEGIN
                PERFORM FROM SCHEMA.store FOR UPDATE;
                IF EXISTS (SELECT FROM SCHEMA.tracking) THEN
                    INSERT INTO SCHEMA.tracked_alone
                    SELECT t.source, t.position FROM SCHEMA.tracking t LEFT JOIN (
                        SELECT e.source, max(e.tracked) AS tracked FROM SCHEMA.events e
                        WHERE e.source IS NOT NULL GROUP BY e.source) e ON e.source = t.source
                    WHERE e.tracked IS NULL OR t.position > e.tracked;
                END IF;
            END $$
            """,
            appendGroup.replacing("CREATE FUNCTION", with: "CREATE OR REPLACE FUNCTION")
                .replacing(trackingIsMoved, with: trackingIsMoved + trackingAloneIsMoved),
            readable(like: "tracking", "tracked_alone"),
        ])

    /// The end of the one statement of `append_group` that moves the progress of an append.
    private static let trackingIsMoved = "ON CONFLICT (source) DO UPDATE SET position = excluded.position;"

    private static let trackingAloneIsMoved = """

                    IF counts[r] = 0 THEN
                        INSERT INTO SCHEMA.tracked_alone AS t VALUES (sources[r], tracked[r])
                            ON CONFLICT (source) DO UPDATE SET position = excluded.position;
                    END IF;
        """

    /// Lets all roles read a table that may read another one.
    private static func readable(like known: String, _ table: String) -> String {
        granted(
            "SELECT ON SCHEMA.\(table)",
            to: """
                        FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a, pg_catalog.pg_roles r
                        WHERE c.oid = 'SCHEMA.\(known)'::regclass AND a.grantee = r.oid AND a.grantee <> c.relowner
                            AND a.privilege_type = 'SELECT'
                """)
    }
}
#endif
