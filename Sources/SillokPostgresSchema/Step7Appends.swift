#if Postgres
extension Step {
    /// The functions that append, with bounds and checks.
    ///
    ///   append_group    executes a group of appends. It replaces `append`.
    ///   append          the same with the arguments of older versions of the library, which may still be running.
    ///   append_after    records prepared events, as before.
    ///   check_appended  checks the events of a session that does not own the schema.
    ///
    /// `append_group` evaluates conditions within a number of steps, because it holds the lock. A condition that needs
    /// more is left undecided (status 5), and the client evaluates it before the next attempt. A mark is the id of the
    /// event at `since`: status 6 means that the log has another event there, or none. Status 6 precedes status 2.
    ///
    /// A watch is a distinct query item of the group's conditions, and `watch_lists` is the number of its parts. The
    /// `hit_…` arguments contain the events of the group that match a watch. So a condition is compared with the
    /// earlier events of the group by one number.
    ///
    ///   status  0 stored.
    ///           1 an id is known.
    ///           2 the condition does not hold.
    ///           3 tracked already; `details` has the position.
    ///           4 a given time runs backwards; `details` has the event, and `clocks` the last time.
    ///           5 the condition is undecided; `details` has the watch.
    ///           6 a mark does not fit.
    ///
    /// A role that may only append could pass wrong revisions, times and links by hand. So the function checks the
    /// stored events before the commit, unless the session belongs to the owner, who can write to the tables anyway.
    static let appends = Step(
        number: 7, name: "appends",
        statements: [
            checkAppended, appendGroup, appendForOlderVersions, checkedAppendAfter,
            allowed(like: "append", ["append_group"]),
            // Granted again, because a version that does not know the functions of step 6 may have created roles after
            // it.
            allowed(like: "revision_at", walkers),
        ])

    /// Returns the SQL for a text in the canonical form of the chain.
    private static func text(_ value: String) -> String {
        "int4send(octet_length(\(value))) || convert_to(\(value), 'UTF8')"
    }

    /// The digest of the contents of an event, see `CanonicalForm.swift`.
    private static let fact = """
        sha256('sillok:fact:1'::bytea || uuid_send(n.id)
            || CASE WHEN n.stream IS NULL THEN '\\x00'::bytea ELSE '\\x01'::bytea || \(text("n.stream")) END
            || \(text("n.type")) || \(text("coalesce(n.content, 'application/json')"))
            || CASE WHEN n.source IS NULL THEN '\\x00'::bytea ELSE '\\x01'::bytea || \(text("n.source"))
                || int8send((n.tracked - CASE WHEN n.tracked > 9223372036854775807 THEN 18446744073709551616 ELSE 0 END)
                    ::bigint) END
            || sha256(int4send(coalesce(cardinality(n.tags), 0)) || coalesce((
                SELECT string_agg(\(text("t.tag")), ''::bytea ORDER BY t.number)
                FROM unnest(n.tags) WITH ORDINALITY AS t (tag, number)), ''::bytea))
            || sha256(coalesce(n.metadata, ''::bytea)) || sha256(n.payload))
        """

    private static let checkAppended = """
        CREATE FUNCTION SCHEMA.check_appended(base bigint, head bigint) RETURNS void
        LANGUAGE plpgsql VOLATILE
        SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
        SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
        AS $$
        DECLARE
            place bigint;
            reason text;
            last bigint;
            first bigint;
        BEGIN
            SELECT max(e.position), min(e.position) INTO last, first FROM SCHEMA.events e;
            IF coalesce(last, 0) <> head OR first <> 1 THEN
                RAISE EXCEPTION 'the append was rejected: its positions do not follow the last event'
                    USING ERRCODE = 'check_violation';
            END IF;
            SELECT c.position, c.reason INTO place, reason FROM (
                SELECT n.position, CASE
                    WHEN n.position <> base + n.number THEN 'its position does not follow the one before it'
                    WHEN n.recorded < n.recorded_before THEN 'its time is earlier than that of the event before it'
                    WHEN n.revision <> 0 AND n.stream IS NULL OR n.revision < 1 AND n.stream IS NOT NULL
                        OR n.revision > 1 AND NOT EXISTS (SELECT FROM SCHEMA.events b WHERE b.stream = n.stream
                            AND b.revision = n.revision - 1 AND b.position < n.position)
                        THEN 'its revision is not the next one of its stream'
                    WHEN n.link <> sha256('sillok:link:1'::bytea || n.link_before || int8send(n.position)
                        || int8send(n.revision) || int8send(n.recorded) || \(fact))
                        THEN 'its link does not follow from the event and the link before it'
                    WHEN octet_length(n.payload) + coalesce(octet_length(n.metadata), 0) > n.largest
                        THEN 'its size was not noted' END AS reason
                FROM (SELECT e.*, s.largest, row_number() OVER log - (base > 0)::int AS number,
                        lag(e.recorded) OVER log AS recorded_before, lag(e.link, 1, s.genesis) OVER log AS link_before
                    FROM SCHEMA.events e, SCHEMA.store s WHERE e.position >= base WINDOW log AS (ORDER BY e.position)) n
                WHERE n.position > base) c
            WHERE c.reason IS NOT NULL ORDER BY c.position LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'the append was rejected: event % is not valid, %', place, reason
                    USING ERRCODE = 'check_violation';
            END IF;
        END $$
        """

    private static let checkedAppendAfter =
        preparedAppend
        .replacing("CREATE FUNCTION", with: "CREATE OR REPLACE FUNCTION")
        .replacing(notification, with: checkAndNotification)

    /// The last statement of `append_after`.
    private static let notification = "PERFORM pg_notify(CHANNEL, (append_after.head + cardinality(ids))::text);"

    private static let checkAndNotification = """
        IF session_user <> current_user THEN
                    PERFORM SCHEMA.check_appended(append_after.head, append_after.head + cardinality(ids));
                END IF;
                \(notification)
        """
}
#endif
