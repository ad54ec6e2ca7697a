#if Postgres
extension Step {
    static let appendGroup = """
        CREATE FUNCTION SCHEMA.append_group(
        \(AppendParts.eventArguments)
            -- conditions: expected revisions; watches that nothing new may match; events of this group that match them
            expected_requests int[], expected_names int[], expected_revisions bigint[],
            watch_streams text[], watch_categories text[], watch_types text[], watch_tags text[],
            watch_lists int[],
            condition_requests int[], condition_watches int[], condition_sinces bigint[], condition_marks uuid[],
            hit_requests int[], hit_places int[], hit_watches int[],
            -- steps for the conditions of one request, and of all
            request_budget bigint, group_budget bigint,
        \(AppendParts.appendResults)
        \(AppendParts.variables)
            c int := 1;
            h int := 1;
            s int := 1;
            k int;
            w int;
            since bigint;
            spent bigint;
            hits bigint[];
            seen_sinces bigint[];
            seen_matches bigint[];
        \(AppendParts.takeTheTurn)
            statuses := array_fill(0, ARRAY[cardinality(counts)]);
            hits := array_fill(0::bigint, ARRAY[cardinality(watch_streams)]);
            seen_sinces := array_fill(NULL::bigint, ARRAY[cardinality(watch_streams)]);
            seen_matches := seen_sinces;
            SELECT e.id INTO highest FROM SCHEMA.events e ORDER BY e.id DESC LIMIT 1;
            IF FOUND THEN
                FOR k IN SELECT DISTINCT n.request FROM unnest(ids, requests) AS n (id, request)
                    WHERE n.id <= highest AND EXISTS (SELECT FROM SCHEMA.events e WHERE e.id = n.id)
                LOOP
                    statuses[k] := 1;
                END LOOP;
            END IF;
        \(AppendParts.lastRevisions)
        \(AppendParts.emptyResults)
                status := statuses[r];
                -- All marks come first: a condition on another log says nothing about this one.
                k := c;
                WHILE condition_requests[k] = r LOOP
                    since := condition_sinces[k];
                    IF status = 0 AND (since > base OR condition_marks[k] IS NOT NULL AND NOT EXISTS (
                        SELECT FROM SCHEMA.events e WHERE e.position = since AND e.id = condition_marks[k]))
                    THEN
                        status := 6;
                    END IF;
                    k := k + 1;
                END LOOP;
        \(AppendParts.expectedRevisions)
                spent := 0;
                WHILE condition_requests[c] = r LOOP
                    IF status = 0 THEN
                        w := condition_watches[c];
                        since := condition_sinces[c];
                        IF w = 0 THEN
                            NULL;
                        ELSIF hits[w] > since THEN
                            status := 2;
                        ELSIF since < base THEN
                            -- What is known of the watch holds for a later position, unless its match lies before that.
                            IF seen_sinces[w] IS NULL OR since < seen_sinces[w] OR seen_matches[w] <= since THEN
                                k := 1;
                                walk := NULL;
                                tick := 1;
                                IF spent >= request_budget OR group_budget <= 0 THEN
                                    tick := 0;
                                ELSIF watch_lists[w] = 1 THEN
                                    k := 0;
                                    walk := SCHEMA.first_match(watch_streams[w], watch_categories[w],
                                        string_to_array(watch_types[w], E'\\x01'),
                                        string_to_array(watch_tags[w], E'\\x01'), since);
                                ELSE
                                    SELECT j.item, j.match, j.steps INTO k, walk, tick FROM SCHEMA.judge(
                                        ARRAY[watch_streams[w]], ARRAY[watch_categories[w]], ARRAY[watch_types[w]],
                                        ARRAY[watch_tags[w]], ARRAY[since], base,
                                        least(request_budget - spent, group_budget)) j;
                                END IF;
                                spent := spent + tick;
                                group_budget := group_budget - tick;
                                IF k = 0 OR walk IS NOT NULL THEN
                                    seen_sinces[w] := since;
                                    seen_matches[w] := walk;
                                ELSE
                                    status := 5;
                                    details[r] := w::text;
                                END IF;
                            END IF;
                            IF status = 0 AND seen_matches[w] IS NOT NULL THEN status := 2; END IF;
                        END IF;
                    END IF;
                    c := c + 1;
                END LOOP;
        \(AppendParts.takeOrReject)
                WHILE hit_requests[h] = r LOOP
                    IF status = 0 THEN hits[hit_watches[h]] := starts[r] + hit_places[h]; END IF;
                    h := h + 1;
                END LOOP;
        \(AppendParts.slotsAndLinks)
                INSERT INTO SCHEMA.events (
                    position, revision, recorded, id, stream, type, content, source, tracked, tags, metadata, payload,
                    link)
        \(AppendParts.insertedRows)
                IF session_user <> current_user THEN PERFORM SCHEMA.check_appended(base, head); END IF;
                PERFORM pg_notify(CHANNEL, head::text);
            END IF;
        END $$
        """

    /// An append of an older version gets a conflict if its condition takes too many steps.
    static let appendForOlderVersions = """
        CREATE OR REPLACE FUNCTION SCHEMA.append(
            ids uuid[], requests int[], places int[], slots int[], steps int[], streams text[], types text[],
            contents text[], times bigint[], tags text[], metadata bytea[], payloads bytea[],
            facts bytea[], size bigint, counts int[], timed boolean[], sources text[], tracked numeric[], now_is bigint,
            names text[], slot_requests int[], slot_names int[], slot_counts int[],
            expected_requests int[], expected_names int[], expected_revisions bigint[],
            unchanged_requests int[], unchanged_since bigint[],
            item_conditions int[], item_streams text[], item_categories text[], item_types text[],
            item_tags text[], blocker_conditions int[], blocker_events int[],
            OUT statuses int[], OUT starts bigint[], OUT heads bigint[], OUT bases bigint[], OUT clocks bigint[],
            OUT details text[])
        LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$
        BEGIN
            SELECT * INTO statuses, starts, heads, bases, clocks, details FROM SCHEMA.append_group(
                ids, requests, places, slots, steps, streams, types, contents, times, tags, metadata, payloads, facts,
                size, counts, timed, sources, tracked, now_is, names, slot_requests, slot_names, slot_counts,
                expected_requests, expected_names, expected_revisions,
                item_streams, item_categories, item_types, item_tags,
                array_fill(2, ARRAY[cardinality(item_conditions)]),
                ARRAY(SELECT unchanged_requests[i.condition] FROM unnest(item_conditions) WITH ORDINALITY
                    AS i (condition, number) ORDER BY i.number),
                ARRAY(SELECT generate_series(1, cardinality(item_conditions))),
                ARRAY(SELECT unchanged_since[i.condition] FROM unnest(item_conditions) WITH ORDINALITY
                    AS i (condition, number) ORDER BY i.number),
                array_fill(NULL::uuid, ARRAY[cardinality(item_conditions)]),
                -- An event that breaks a condition is a hit of the condition's first item.
                ARRAY(SELECT requests[b.event] FROM unnest(blocker_conditions, blocker_events) AS b (condition, event)
                    ORDER BY b.event, b.condition),
                ARRAY(SELECT places[b.event] FROM unnest(blocker_conditions, blocker_events) AS b (condition, event)
                    ORDER BY b.event, b.condition),
                ARRAY(SELECT array_position(item_conditions, b.condition)
                    FROM unnest(blocker_conditions, blocker_events) AS b (condition, event)
                    ORDER BY b.event, b.condition),
                100000, 100000);
        END $$
        """
}
#endif
