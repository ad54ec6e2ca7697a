#if Postgres
/// What `append` and `append_group` have in common. These are parts of released steps, so they are never changed.
enum AppendParts {
    /// The events, the appends and the streams of a group.
    static let eventArguments = """
            -- events: the request of each, its place in it, its slot (0: no stream) and its step in the slot
            ids uuid[], requests int[], places int[], slots int[], steps int[], streams text[], types text[],
            contents text[], times bigint[], tags text[], metadata bytea[], payloads bytea[],
            facts bytea[], size bigint,
            -- requests
            counts int[], timed boolean[], sources text[], tracked numeric[], now_is bigint,
            -- names of streams; slots: the events of one request that go to one stream
            names text[], slot_requests int[], slot_names int[], slot_counts int[],
        """

    /// The results, the settings, and the first variables.
    static let appendResults = """
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
        """

    /// The variables of the loop over the appends.
    static let variables = """
            revisions bigint[];
            status int;
            tick bigint;
            walk bigint;
            event int := 0;
            x int := 1;
        """

    /// The last variables; the lock, and the end of the log.
    static let takeTheTurn = """
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
        """

    /// The revisions of the streams before the group.
    static let lastRevisions = """
            revisions := ARRAY(SELECT coalesce((SELECT e.revision FROM SCHEMA.events e WHERE e.stream = n.name
                ORDER BY e.revision DESC LIMIT 1), 0) FROM unnest(names) WITH ORDINALITY AS n (name, number)
                ORDER BY n.number);
        """

    /// Nothing is decided yet; the loop over the appends begins.
    static let emptyResults = """
            starts := array_fill(NULL::bigint, ARRAY[cardinality(counts)]);
            heads := starts;
            clocks := starts;
            details := array_fill(NULL::text, ARRAY[cardinality(counts)]);
            bases := array_fill(0::bigint, ARRAY[cardinality(slot_requests)]);
            FOR r IN 1 .. cardinality(counts) LOOP
                heads[r] := head;
        """

    /// The conditions on revisions.
    static let expectedRevisions = """
                WHILE expected_requests[x] = r LOOP
                    IF status = 0 AND revisions[expected_names[x]] <> expected_revisions[x] THEN
                        status := 2;
                    END IF;
                    x := x + 1;
                END LOOP;
        """

    /// The checks of tracking and times, and what the append adds to the log.
    static let takeOrReject = """
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
        """

    /// The new revisions of the streams; after the loop, the links of the events.
    static let slotsAndLinks = """
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
        """

    /// The rows of the events and of their tags.
    static let insertedRows = """
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
        """
}
#endif
