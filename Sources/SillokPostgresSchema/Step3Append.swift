#if Postgres
extension Step {
    /// Executes a group of appends in one statement. It checks who may append; nothing else can write.
    ///
    /// The lock on the one row of `store` comes first. The statements after it see everything that was committed before
    /// the lock was given, because each statement of a volatile function does so in READ COMMITTED. The lock is held
    /// until the commit is visible. So positions have no gaps and rise in the order of commits, whichever processes
    /// write. The lock is written to the WAL. So even a group that stores nothing waits until all earlier commits are
    /// durable, also on the standby.
    ///
    /// Each append is checked against the changes of the earlier appends of the group. A rejected append has a status
    /// and has written nothing. The caller finds the reason in the log, which does not change below `heads`.
    ///
    ///   status  0 stored.
    ///           1 an id is known.
    ///           2 the condition does not hold.
    ///           3 tracked already; `details` has the position.
    ///           4 a given time runs backwards; `details` has the event, and `clocks` has the last time.
    static let append = Step(
        number: 3, name: "append",
        statements: [
            """
            CREATE FUNCTION SCHEMA.append(
            \(AppendParts.eventArguments)
                -- conditions: expected revisions; queries that nothing new may match; events of this group that do
                expected_requests int[], expected_names int[], expected_revisions bigint[],
                unchanged_requests int[], unchanged_since bigint[],
                item_conditions int[], item_streams text[], item_categories text[], item_types text[],
                item_tags text[], blocker_conditions int[], blocker_events int[],
            \(AppendParts.appendResults)
                known int[] := '{}';
            \(AppendParts.variables)
                u int := 1;
                i int := 1;
                b int := 1;
                s int := 1;
                k int;
            \(AppendParts.takeTheTurn)
                SELECT e.id INTO highest FROM SCHEMA.events e ORDER BY e.id DESC LIMIT 1;
                IF FOUND THEN
                    known := ARRAY(SELECT n.request FROM unnest(ids, requests) AS n (id, request)
                        WHERE n.id <= highest AND EXISTS (SELECT FROM SCHEMA.events e WHERE e.id = n.id));
                END IF;
            \(AppendParts.lastRevisions)
                statuses := array_fill(0, ARRAY[cardinality(counts)]);
            \(AppendParts.emptyResults)
                    status := CASE WHEN r = ANY (known) THEN 1 ELSE 0 END;
            \(AppendParts.expectedRevisions)
                    WHILE unchanged_requests[u] = r LOOP
                        WHILE item_conditions[i] = u LOOP
                            IF status = 0 AND unchanged_since[u] < base AND SCHEMA.first_match(
                                item_streams[i], item_categories[i], string_to_array(item_types[i], E'\\x01'),
                                string_to_array(item_tags[i], E'\\x01'), unchanged_since[u]) IS NOT NULL
                            THEN
                                status := 2;
                            END IF;
                            i := i + 1;
                        END LOOP;
                        WHILE blocker_conditions[b] = u LOOP
                            k := blocker_events[b];
                            IF status = 0 AND starts[requests[k]] + places[k] > unchanged_since[u] THEN
                                status := 2;
                            END IF;
                            b := b + 1;
                        END LOOP;
                        u := u + 1;
                    END LOOP;
            \(AppendParts.takeOrReject)
            \(AppendParts.slotsAndLinks)
                    INSERT INTO SCHEMA.events (
                        position, revision, recorded, id, stream, type, content, source, tracked, tags, metadata,
                        payload, link)
            \(AppendParts.insertedRows)
                    PERFORM pg_notify(CHANNEL, head::text);
                END IF;
            END $$
            """
        ])
}
#endif
