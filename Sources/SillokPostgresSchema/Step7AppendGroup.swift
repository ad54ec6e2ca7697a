#if Postgres
extension Step {
    static let appendGroup = """
        CREATE FUNCTION SCHEMA.append_group(
            -- events: the request of each, its place in it, its slot (0: no stream) and its step in the slot
            ids uuid[], requests int[], places int[], slots int[], steps int[], streams text[], types text[],
            contents text[], times bigint[], tags text[], metadata bytea[], payloads bytea[],
            facts bytea[], size bigint,
            -- requests
            counts int[], timed boolean[], sources text[], tracked numeric[], now_is bigint,
            -- names of streams; slots: the events of one request that go to one stream
            names text[], slot_requests int[], slot_names int[], slot_counts int[],
            -- conditions: expected revisions; watches that nothing new may match; events of this group that match them
            expected_requests int[], expected_names int[], expected_revisions bigint[],
            watch_streams text[], watch_categories text[], watch_types text[], watch_tags text[],
            watch_lists int[],
            condition_requests int[], condition_watches int[], condition_sinces bigint[], condition_marks uuid[],
            hit_requests int[], hit_places int[], hit_watches int[],
            -- steps for the conditions of one request, and of all
            request_budget bigint, group_budget bigint,
            OUT statuses int[], OUT starts bigint[], OUT heads bigint[], OUT bases bigint[], OUT clocks bigint[],
            OUT details text[])
        LANGUAGE plpgsql VOLATILE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
        SET enable_mergejoin = off SET jit = off
        AS $$
        DECLARE
            head bigint;
            last bigint;
            base bigint;
            highest uuid;
            revisions bigint[];
            status int;
            tick bigint;
            walk bigint;
            event int := 0;
            x int := 1;
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
            most_recent numeric;
            fact bytea;
            link bytea;
            links bytea[];
        BEGIN
            IF current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE EXCEPTION 'appends need READ COMMITTED';
            END IF;
            IF current_setting('synchronous_commit') = 'off' THEN
                PERFORM set_config('synchronous_commit', 'on', true);
            END IF;
            PERFORM FROM SCHEMA.store FOR UPDATE;
            SELECT e.position, e.recorded, e.link INTO head, last, link FROM SCHEMA.events e
                ORDER BY e.position DESC LIMIT 1;
            head := coalesce(head, 0);
            base := head;
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
            revisions := ARRAY(SELECT coalesce((SELECT e.revision FROM SCHEMA.events e WHERE e.stream = n.name
                ORDER BY e.revision DESC LIMIT 1), 0) FROM unnest(names) WITH ORDINALITY AS n (name, number)
                ORDER BY n.number);
            starts := array_fill(NULL::bigint, ARRAY[cardinality(counts)]);
            heads := starts;
            clocks := starts;
            details := array_fill(NULL::text, ARRAY[cardinality(counts)]);
            bases := array_fill(0::bigint, ARRAY[cardinality(slot_requests)]);
            FOR r IN 1 .. cardinality(counts) LOOP
                heads[r] := head;
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
                WHILE expected_requests[x] = r LOOP
                    IF status = 0 AND revisions[expected_names[x]] <> expected_revisions[x] THEN
                        status := 2;
                    END IF;
                    x := x + 1;
                END LOOP;
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
                IF status = 0 AND sources[r] IS NOT NULL THEN
                    SELECT t.position INTO most_recent FROM SCHEMA.tracking t WHERE t.source = sources[r];
                    IF FOUND AND most_recent >= tracked[r] THEN
                        status := 3;
                        details[r] := most_recent::text;
                    END IF;
                END IF;
                tick := greatest(now_is, last);
                IF status = 0 AND timed[r] THEN
                    walk := last;
                    FOR k IN event + 1 .. event + counts[r] LOOP
                        IF times[k] < walk THEN
                            status := 4;
                            details[r] := (k - event - 1)::text;
                            tick := walk;
                            EXIT;
                        END IF;
                        times[k] := coalesce(times[k], greatest(now_is, walk));
                        walk := times[k];
                    END LOOP;
                    IF status = 0 THEN tick := walk; END IF;
                END IF;
                event := event + counts[r];
                statuses[r] := status;
                clocks[r] := tick;
                IF status = 0 THEN
                    starts[r] := head;
                    head := head + counts[r];
                    last := tick;
                    IF sources[r] IS NOT NULL THEN
                        INSERT INTO SCHEMA.tracking AS t VALUES (sources[r], tracked[r])
                            ON CONFLICT (source) DO UPDATE SET position = excluded.position;
                    END IF;
                END IF;
                WHILE hit_requests[h] = r LOOP
                    IF status = 0 THEN hits[hit_watches[h]] := starts[r] + hit_places[h]; END IF;
                    h := h + 1;
                END LOOP;
                WHILE slot_requests[s] = r LOOP
                    IF status = 0 THEN
                        k := slot_names[s];
                        bases[s] := revisions[k];
                        revisions[k] := revisions[k] + slot_counts[s];
                    END IF;
                    s := s + 1;
                END LOOP;
            END LOOP;
            IF head > base THEN
                IF base = 0 THEN SELECT s.genesis INTO link FROM SCHEMA.store s; END IF;
                links := array_fill(NULL::bytea, ARRAY[cardinality(ids)]);
                k := 0;
                FOREACH fact IN ARRAY facts LOOP
                    k := k + 1;
                    IF statuses[requests[k]] = 0 THEN
                        link := sha256('sillok:link:1'::bytea || link
                            || int8send(starts[requests[k]] + places[k])
                            || int8send(coalesce(bases[slots[k]], 0) + steps[k])
                            || int8send(CASE WHEN timed[requests[k]] THEN times[k] ELSE clocks[requests[k]] END)
                            || fact);
                        links[k] := link;
                    END IF;
                END LOOP;
                INSERT INTO SCHEMA.events (
                    position, revision, recorded, id, stream, type, content, source, tracked, tags, metadata, payload,
                    link)
                SELECT starts[n.request] + n.place, coalesce(bases[n.slot], 0) + n.step,
                    coalesce(n.recorded, clocks[n.request]), n.id, n.stream, n.type, n.content, sources[n.request],
                    tracked[n.request], string_to_array(n.tags, E'\\x01'), n.metadata, n.payload, n.link
                FROM unnest(ids, requests, places, slots, steps, streams, types, contents, times, tags, metadata,
                    payloads, links) AS n (id, request, place, slot, step, stream, type, content, recorded, tags,
                    metadata, payload, link)
                WHERE starts[n.request] IS NOT NULL;
                IF cardinality(array_remove(tags, NULL)) > 0 THEN
                    INSERT INTO SCHEMA.event_tags
                    SELECT DISTINCT t.tag, starts[n.request] + n.place
                    FROM unnest(requests, places, tags) AS n (request, place, tags),
                        unnest(string_to_array(n.tags, E'\\x01')) AS t (tag)
                    WHERE starts[n.request] IS NOT NULL;
                END IF;
                UPDATE SCHEMA.store SET largest = greatest(size, largest * 2) WHERE largest < size;
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
