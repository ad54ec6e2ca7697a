--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: fixture_balances; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA fixture_balances;


--
-- Name: fixture_bank; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA fixture_bank;


--
-- Name: fixture_seats; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA fixture_seats;


--
-- Name: append(uuid[], integer[], integer[], integer[], integer[], text[], text[], text[], bigint[], text[], bytea[], bytea[], bytea[], bigint, integer[], boolean[], text[], numeric[], bigint, text[], integer[], integer[], integer[], integer[], integer[], bigint[], integer[], bigint[], integer[], text[], text[], text[], text[], integer[], integer[]); Type: FUNCTION; Schema: fixture_bank; Owner: -
--

CREATE FUNCTION fixture_bank.append(ids uuid[], requests integer[], places integer[], slots integer[], steps integer[], streams text[], types text[], contents text[], times bigint[], tags text[], metadata bytea[], payloads bytea[], facts bytea[], size bigint, counts integer[], timed boolean[], sources text[], tracked numeric[], now_is bigint, names text[], slot_requests integer[], slot_names integer[], slot_counts integer[], expected_requests integer[], expected_names integer[], expected_revisions bigint[], unchanged_requests integer[], unchanged_since bigint[], item_conditions integer[], item_streams text[], item_categories text[], item_types text[], item_tags text[], blocker_conditions integer[], blocker_events integer[], OUT statuses integer[], OUT starts bigint[], OUT heads bigint[], OUT bases bigint[], OUT clocks bigint[], OUT details text[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
DECLARE
    head bigint;
    last bigint;
    base bigint;
    highest uuid;
    known int[] := '{}';
    revisions bigint[];
    status int;
    tick bigint;
    walk bigint;
    event int := 0;
    x int := 1;
    u int := 1;
    i int := 1;
    b int := 1;
    s int := 1;
    k int;
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
    PERFORM FROM "fixture_bank".store FOR UPDATE;
    SELECT e.position, e.recorded, e.link INTO head, last, link FROM "fixture_bank".events e
        ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    base := head;
    SELECT e.id INTO highest FROM "fixture_bank".events e ORDER BY e.id DESC LIMIT 1;
    IF FOUND THEN
        known := ARRAY(SELECT n.request FROM unnest(ids, requests) AS n (id, request)
            WHERE n.id <= highest AND EXISTS (SELECT FROM "fixture_bank".events e WHERE e.id = n.id));
    END IF;
    revisions := ARRAY(SELECT coalesce((SELECT e.revision FROM "fixture_bank".events e WHERE e.stream = n.name
        ORDER BY e.revision DESC LIMIT 1), 0) FROM unnest(names) WITH ORDINALITY AS n (name, number)
        ORDER BY n.number);
    statuses := array_fill(0, ARRAY[cardinality(counts)]);
    starts := array_fill(NULL::bigint, ARRAY[cardinality(counts)]);
    heads := starts;
    clocks := starts;
    details := array_fill(NULL::text, ARRAY[cardinality(counts)]);
    bases := array_fill(0::bigint, ARRAY[cardinality(slot_requests)]);
    FOR r IN 1 .. cardinality(counts) LOOP
        heads[r] := head;
        status := CASE WHEN r = ANY (known) THEN 1 ELSE 0 END;
        WHILE expected_requests[x] = r LOOP
            IF status = 0 AND revisions[expected_names[x]] <> expected_revisions[x] THEN
                status := 2;
            END IF;
            x := x + 1;
        END LOOP;
        WHILE unchanged_requests[u] = r LOOP
            WHILE item_conditions[i] = u LOOP
                IF status = 0 AND unchanged_since[u] < base AND "fixture_bank".first_match(
                    item_streams[i], item_categories[i], string_to_array(item_types[i], E'\x01'),
                    string_to_array(item_tags[i], E'\x01'), unchanged_since[u]) IS NOT NULL
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
        IF status = 0 AND sources[r] IS NOT NULL THEN
            SELECT t.position INTO most_recent FROM "fixture_bank".tracking t WHERE t.source = sources[r];
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
                INSERT INTO "fixture_bank".tracking AS t VALUES (sources[r], tracked[r])
                    ON CONFLICT (source) DO UPDATE SET position = excluded.position;
            END IF;
        END IF;
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
        IF base = 0 THEN SELECT s.genesis INTO link FROM "fixture_bank".store s; END IF;
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
        INSERT INTO "fixture_bank".events (
            position, revision, recorded, id, stream, type, content, source, tracked, tags, metadata, payload,
            link)
        SELECT starts[n.request] + n.place, coalesce(bases[n.slot], 0) + n.step,
            coalesce(n.recorded, clocks[n.request]), n.id, n.stream, n.type, n.content, sources[n.request],
            tracked[n.request], string_to_array(n.tags, E'\x01'), n.metadata, n.payload, n.link
        FROM unnest(ids, requests, places, slots, steps, streams, types, contents, times, tags, metadata,
            payloads, links) AS n (id, request, place, slot, step, stream, type, content, recorded, tags,
            metadata, payload, link)
        WHERE starts[n.request] IS NOT NULL;
        IF cardinality(array_remove(tags, NULL)) > 0 THEN
            INSERT INTO "fixture_bank".event_tags
            SELECT DISTINCT t.tag, starts[n.request] + n.place
            FROM unnest(requests, places, tags) AS n (request, place, tags),
                unnest(string_to_array(n.tags, E'\x01')) AS t (tag)
            WHERE starts[n.request] IS NOT NULL;
        END IF;
        UPDATE "fixture_bank".store SET largest = greatest(size, largest * 2) WHERE largest < size;
        PERFORM pg_notify('fixture_bank', head::text);
    END IF;
END $$;


--
-- Name: append_after(bigint, bytea, uuid[], text[], bigint[], text[], text[], bigint[], text[], bytea[], bytea[], bytea[], bigint); Type: FUNCTION; Schema: fixture_bank; Owner: -
--

CREATE FUNCTION fixture_bank.append_after(head bigint, link bytea, ids uuid[], streams text[], revisions bigint[], types text[], contents text[], times bigint[], tags text[], metadata bytea[], payloads bytea[], links bytea[], size bigint, OUT is_stored boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    PERFORM CASE current_setting('synchronous_commit') WHEN 'off'
        THEN set_config('synchronous_commit', 'on', true) END FROM "fixture_bank".store FOR UPDATE;
    INSERT INTO "fixture_bank".events (
        position, id, stream, revision, type, content, recorded, tags, metadata, payload, link)
    SELECT append_after.head + n.number, n.id, n.stream, n.revision, n.type, n.content, n.recorded,
        string_to_array(n.tags, E'\x01'), n.metadata, n.payload, n.link
    FROM unnest(ids, streams, revisions, types, contents, times, tags, metadata, payloads, links)
        WITH ORDINALITY AS n (
            id, stream, revision, type, content, recorded, tags, metadata, payload, link, number)
    WHERE (SELECT e.position = append_after.head AND e.link = append_after.link AND e.recorded <= times[1]
        FROM "fixture_bank".events e ORDER BY e.position DESC LIMIT 1);
    is_stored := FOUND;
    IF is_stored THEN
        IF tags IS NOT NULL THEN
            INSERT INTO "fixture_bank".event_tags SELECT DISTINCT t.tag, append_after.head + n.number
            FROM unnest(tags) WITH ORDINALITY AS n (tags, number),
                unnest(string_to_array(n.tags, E'\x01')) AS t (tag);
        END IF;
        IF size IS NOT NULL THEN
            UPDATE "fixture_bank".store SET largest = greatest(size, largest * 2) WHERE largest < size;
        END IF;
        PERFORM pg_notify('fixture_bank', (append_after.head + cardinality(ids))::text);
    END IF;
END $$;


--
-- Name: first_match(text, text, text[], text[], bigint); Type: FUNCTION; Schema: fixture_bank; Owner: -
--

CREATE FUNCTION fixture_bank.first_match(a_stream text, a_category text, some_types text[], all_tags text[], after bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    found bigint;
    matches_all boolean := a_stream IS NULL AND a_category IS NULL AND some_types IS NULL;
BEGIN
    IF all_tags IS NOT NULL THEN
        SELECT t.position INTO found FROM "fixture_bank".event_tags t
            WHERE t.tag = all_tags[1] AND t.position > after
            AND NOT EXISTS (SELECT FROM unnest(all_tags[2:]) AS other (tag) WHERE NOT EXISTS (
                SELECT FROM "fixture_bank".event_tags o WHERE o.tag = other.tag AND o.position = t.position))
            AND (matches_all OR EXISTS (SELECT FROM "fixture_bank".events e WHERE e.position = t.position
                AND (a_stream IS NULL OR e.stream = a_stream)
                AND (a_category IS NULL OR e.category = a_category)
                AND (some_types IS NULL OR e.type = ANY (some_types))))
            ORDER BY t.position LIMIT 1;
    ELSIF a_stream IS NOT NULL THEN
        SELECT e.position INTO found FROM "fixture_bank".events e
            WHERE e.stream = a_stream AND e.revision > "fixture_bank".revision_at(a_stream, after)
            AND (a_category IS NULL OR e.category = a_category)
            AND (some_types IS NULL OR e.type = ANY (some_types))
            ORDER BY e.revision LIMIT 1;
    ELSIF a_category IS NOT NULL THEN
        SELECT e.position INTO found FROM "fixture_bank".events e
            WHERE e.category = a_category AND e.position > after
            AND (some_types IS NULL OR e.type = ANY (some_types))
            ORDER BY e.position LIMIT 1;
    ELSIF some_types IS NOT NULL THEN
        SELECT min(f.position) INTO found FROM unnest(some_types) AS wanted (type), LATERAL (
            SELECT e.position FROM "fixture_bank".events e
            WHERE e.type = wanted.type AND e.position > after ORDER BY e.position LIMIT 1) AS f;
    ELSE
        SELECT e.position INTO found FROM "fixture_bank".events e WHERE e.position > after
            ORDER BY e.position LIMIT 1;
    END IF;
    RETURN found;
END $$;


--
-- Name: recorded_until(bigint, boolean); Type: FUNCTION; Schema: fixture_bank; Owner: -
--

CREATE FUNCTION fixture_bank.recorded_until(bound bigint, is_included boolean) RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
    found bigint;
BEGIN
    SELECT coalesce(max(e.position), 0) INTO high FROM "fixture_bank".events e;
    WHILE low < high LOOP
        middle := low + (high - low + 1) / 2;
        SELECT e.recorded INTO found FROM "fixture_bank".events e WHERE e.position = middle;
        IF found < bound OR (is_included AND found = bound) THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;


--
-- Name: refuse_change(); Type: FUNCTION; Schema: fixture_bank; Owner: -
--

CREATE FUNCTION fixture_bank.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'recorded events are not altered (% of %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;


--
-- Name: revision_at(text, bigint); Type: FUNCTION; Schema: fixture_bank; Owner: -
--

CREATE FUNCTION fixture_bank.revision_at(named text, bound bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
    place bigint;
BEGIN
    SELECT e.revision, e.position INTO high, place FROM "fixture_bank".events e
        WHERE e.stream = named ORDER BY e.revision DESC LIMIT 1;
    IF high IS NULL OR place <= bound THEN RETURN coalesce(high, 0); END IF;
    SELECT e.revision INTO middle FROM "fixture_bank".events e WHERE e.position = bound AND e.stream = named;
    IF FOUND THEN RETURN middle; END IF;
    WHILE high - low > 1 LOOP
        middle := low + (high - low) / 2;
        SELECT e.position INTO place FROM "fixture_bank".events e
            WHERE e.stream = named AND e.revision = middle;
        IF place <= bound THEN low := middle; ELSE high := middle; END IF;
    END LOOP;
    RETURN low;
END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: balances_v2_account_balance; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.balances_v2_account_balance (
    account text NOT NULL,
    cents bigint NOT NULL
);


--
-- Name: account_balance; Type: VIEW; Schema: fixture_balances; Owner: -
--

CREATE VIEW fixture_balances.account_balance AS
 SELECT balances_v2_account_balance.account,
    balances_v2_account_balance.cents
   FROM fixture_balances.balances_v2_account_balance;


--
-- Name: balances_v1_account_balance; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.balances_v1_account_balance (
    account text NOT NULL,
    cents bigint NOT NULL
);


--
-- Name: owners_v1_owners; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.owners_v1_owners (
    key text NOT NULL,
    document text NOT NULL
);


--
-- Name: owners; Type: VIEW; Schema: fixture_balances; Owner: -
--

CREATE VIEW fixture_balances.owners AS
 SELECT owners_v1_owners.key,
    owners_v1_owners.document
   FROM fixture_balances.owners_v1_owners;


--
-- Name: sillok_audit; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_audit (
    at bigint NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    action text NOT NULL,
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    detail text NOT NULL
);


--
-- Name: sillok_builds; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_builds (
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    state text NOT NULL,
    partitions integer NOT NULL,
    lifecycle text NOT NULL,
    source text NOT NULL,
    sequencing text NOT NULL,
    tables text NOT NULL,
    paused integer NOT NULL,
    failure text NOT NULL,
    begun bigint NOT NULL,
    caught_up bigint NOT NULL,
    target bigint NOT NULL
);


--
-- Name: sillok_checkpoints; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_checkpoints (
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    partition integer NOT NULL,
    store text NOT NULL,
    "position" bigint NOT NULL,
    count bigint NOT NULL,
    sum bigint NOT NULL,
    epoch bigint NOT NULL,
    owner text NOT NULL,
    token bigint NOT NULL,
    beat bigint NOT NULL
);


--
-- Name: sillok_dead_letters; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_dead_letters (
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    partition integer NOT NULL,
    "position" bigint NOT NULL,
    sequence text NOT NULL,
    event text NOT NULL,
    type text NOT NULL,
    stream text NOT NULL,
    state text NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    parked bigint NOT NULL,
    replacement text
);


--
-- Name: sillok_format; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_format (
    version integer NOT NULL
);


--
-- Name: sillok_marks; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_marks (
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    partition integer NOT NULL,
    "position" bigint NOT NULL,
    count bigint NOT NULL,
    sum bigint NOT NULL
);


--
-- Name: sillok_objectives; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_objectives (
    subject text NOT NULL,
    objective text NOT NULL,
    target text NOT NULL,
    measured text NOT NULL,
    budget_left double precision NOT NULL,
    burn_rate double precision NOT NULL,
    is_met integer NOT NULL,
    at bigint NOT NULL
);


--
-- Name: sillok_reactions; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_reactions (
    projection text NOT NULL,
    "position" bigint NOT NULL
);


--
-- Name: sillok_snapshots; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_snapshots (
    decider text NOT NULL,
    subject text NOT NULL,
    "position" bigint NOT NULL,
    events bigint NOT NULL,
    event text NOT NULL,
    recorded_at bigint NOT NULL,
    began bigint,
    store text NOT NULL,
    fingerprint text NOT NULL,
    state text NOT NULL,
    checksum bigint NOT NULL
);


--
-- Name: sillok_turn; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_turn (
    is_only boolean NOT NULL,
    CONSTRAINT sillok_turn_is_only_check CHECK (is_only)
);


--
-- Name: sillok_writers; Type: TABLE; Schema: fixture_balances; Owner: -
--

CREATE TABLE fixture_balances.sillok_writers (
    writer text NOT NULL,
    number bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: event_tags; Type: TABLE; Schema: fixture_bank; Owner: -
--

CREATE TABLE fixture_bank.event_tags (
    tag text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: fixture_bank; Owner: -
--

CREATE TABLE fixture_bank.events (
    "position" bigint NOT NULL,
    revision bigint NOT NULL,
    recorded bigint NOT NULL,
    id uuid NOT NULL,
    stream text COLLATE pg_catalog."C",
    category text GENERATED ALWAYS AS (split_part(stream, '-'::text, 1)) STORED COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    content text COLLATE pg_catalog."C",
    source text COLLATE pg_catalog."C",
    tracked numeric(20,0),
    tags text[] COLLATE pg_catalog."C",
    metadata bytea,
    payload bytea NOT NULL,
    link bytea NOT NULL
);


--
-- Name: steps; Type: TABLE; Schema: fixture_bank; Owner: -
--

CREATE TABLE fixture_bank.steps (
    number bigint NOT NULL,
    name text NOT NULL,
    taken timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: store; Type: TABLE; Schema: fixture_bank; Owner: -
--

CREATE TABLE fixture_bank.store (
    id uuid NOT NULL,
    created bigint NOT NULL,
    genesis bytea NOT NULL,
    largest bigint DEFAULT 1024 NOT NULL,
    is_only boolean DEFAULT true NOT NULL,
    CONSTRAINT store_is_only_check CHECK (is_only)
);


--
-- Name: tracking; Type: TABLE; Schema: fixture_bank; Owner: -
--

CREATE TABLE fixture_bank.tracking (
    source text NOT NULL COLLATE pg_catalog."C",
    "position" numeric(20,0) NOT NULL
);


--
-- Name: seats_v1_course_seats; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.seats_v1_course_seats (
    course text NOT NULL,
    taken bigint NOT NULL
);


--
-- Name: course_seats; Type: VIEW; Schema: fixture_seats; Owner: -
--

CREATE VIEW fixture_seats.course_seats AS
 SELECT seats_v1_course_seats.course,
    seats_v1_course_seats.taken
   FROM fixture_seats.seats_v1_course_seats;


--
-- Name: sillok_audit; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_audit (
    at bigint NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    action text NOT NULL,
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    detail text NOT NULL
);


--
-- Name: sillok_builds; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_builds (
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    state text NOT NULL,
    partitions integer NOT NULL,
    lifecycle text NOT NULL,
    source text NOT NULL,
    sequencing text NOT NULL,
    tables text NOT NULL,
    paused integer NOT NULL,
    failure text NOT NULL,
    begun bigint NOT NULL,
    caught_up bigint NOT NULL,
    target bigint NOT NULL
);


--
-- Name: sillok_checkpoints; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_checkpoints (
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    partition integer NOT NULL,
    store text NOT NULL,
    "position" bigint NOT NULL,
    count bigint NOT NULL,
    sum bigint NOT NULL,
    epoch bigint NOT NULL,
    owner text NOT NULL,
    token bigint NOT NULL,
    beat bigint NOT NULL
);


--
-- Name: sillok_dead_letters; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_dead_letters (
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    partition integer NOT NULL,
    "position" bigint NOT NULL,
    sequence text NOT NULL,
    event text NOT NULL,
    type text NOT NULL,
    stream text NOT NULL,
    state text NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    parked bigint NOT NULL,
    replacement text
);


--
-- Name: sillok_format; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_format (
    version integer NOT NULL
);


--
-- Name: sillok_marks; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_marks (
    projection text NOT NULL,
    version integer NOT NULL,
    build integer NOT NULL,
    partition integer NOT NULL,
    "position" bigint NOT NULL,
    count bigint NOT NULL,
    sum bigint NOT NULL
);


--
-- Name: sillok_objectives; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_objectives (
    subject text NOT NULL,
    objective text NOT NULL,
    target text NOT NULL,
    measured text NOT NULL,
    budget_left double precision NOT NULL,
    burn_rate double precision NOT NULL,
    is_met integer NOT NULL,
    at bigint NOT NULL
);


--
-- Name: sillok_reactions; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_reactions (
    projection text NOT NULL,
    "position" bigint NOT NULL
);


--
-- Name: sillok_snapshots; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_snapshots (
    decider text NOT NULL,
    subject text NOT NULL,
    "position" bigint NOT NULL,
    events bigint NOT NULL,
    event text NOT NULL,
    recorded_at bigint NOT NULL,
    began bigint,
    store text NOT NULL,
    fingerprint text NOT NULL,
    state text NOT NULL,
    checksum bigint NOT NULL
);


--
-- Name: sillok_turn; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_turn (
    is_only boolean NOT NULL,
    CONSTRAINT sillok_turn_is_only_check CHECK (is_only)
);


--
-- Name: sillok_writers; Type: TABLE; Schema: fixture_seats; Owner: -
--

CREATE TABLE fixture_seats.sillok_writers (
    writer text NOT NULL,
    number bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Data for Name: balances_v1_account_balance; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.balances_v1_account_balance VALUES ('account-2', 0);
INSERT INTO fixture_balances.balances_v1_account_balance VALUES ('account-4', 0);
INSERT INTO fixture_balances.balances_v1_account_balance VALUES ('account-5', 0);
INSERT INTO fixture_balances.balances_v1_account_balance VALUES ('account-6', 0);
INSERT INTO fixture_balances.balances_v1_account_balance VALUES ('account-1', 1328);
INSERT INTO fixture_balances.balances_v1_account_balance VALUES ('account-3', 7);


--
-- Data for Name: balances_v2_account_balance; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.balances_v2_account_balance VALUES ('account-2', 0);
INSERT INTO fixture_balances.balances_v2_account_balance VALUES ('account-3', 0);
INSERT INTO fixture_balances.balances_v2_account_balance VALUES ('account-6', 0);
INSERT INTO fixture_balances.balances_v2_account_balance VALUES ('account-1', 1328);
INSERT INTO fixture_balances.balances_v2_account_balance VALUES ('account-4', 7);
INSERT INTO fixture_balances.balances_v2_account_balance VALUES ('account-5', 19);


--
-- Data for Name: owners_v1_owners; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.owners_v1_owners VALUES ('account-1', '{"owner":"Ada","deposits":13}');
INSERT INTO fixture_balances.owners_v1_owners VALUES ('account-3', '{"owner":"Edsger","deposits":0}');
INSERT INTO fixture_balances.owners_v1_owners VALUES ('account-5', '{"owner":"Ken","deposits":0}');
INSERT INTO fixture_balances.owners_v1_owners VALUES ('account-2', '{"owner":"Grace","deposits":0}');
INSERT INTO fixture_balances.owners_v1_owners VALUES ('account-4', '{"owner":"Barbara","deposits":0}');
INSERT INTO fixture_balances.owners_v1_owners VALUES ('account-6', '{"owner":"Tony","deposits":0}');


--
-- Data for Name: sillok_audit; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.sillok_audit VALUES (1795955735584823, 'grace', 'a wrong number', 'pause', 'owners', 1, 1, '');
INSERT INTO fixture_balances.sillok_audit VALUES (1795955735605722, 'ada', 'the auditor asked for it', 'skip', 'balances', 1, 1, '28');
INSERT INTO fixture_balances.sillok_audit VALUES (1795955735621897, 'sillok', 'it has caught up', 'promote', 'balances', 2, 1, 'at 35');
INSERT INTO fixture_balances.sillok_audit VALUES (1795955735624980, 'ada', 'the auditor asked for it', 'skip', 'balances', 2, 1, '30');
INSERT INTO fixture_balances.sillok_audit VALUES (1795955735626189, 'grace', 'a wrong number', 'replace', 'balances', 2, 1, '32: {"cents":12}');
INSERT INTO fixture_balances.sillok_audit VALUES (1795955736146673, 'grace', 'a wrong number', 'retry', 'balances', 2, 1, 'account-6');
INSERT INTO fixture_balances.sillok_audit VALUES (1795955736147714, 'ada', 'the auditor asked for it', 'rebuild', 'balances', 2, 2, '');


--
-- Data for Name: sillok_builds; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.sillok_builds VALUES ('owners', 1, 1, 'live', 2, 'async', '[{"category":"account","types":[],"tags":[]}]', 'stream', 'owners', 1, '', 1795955735576657, 0, 27);
INSERT INTO fixture_balances.sillok_builds VALUES ('balances', 1, 1, 'previous', 1, 'async', '[{"category":"account","types":[],"tags":[]}]', 'stream', 'account_balance', 0, '', 1795955735568573, 0, 27);
INSERT INTO fixture_balances.sillok_builds VALUES ('balances', 2, 1, 'live', 1, 'async', '[{"category":"account","types":[],"tags":[]}]', 'stream', 'account_balance', 0, '', 1795955735609873, 1795955735620520, 35);
INSERT INTO fixture_balances.sillok_builds VALUES ('balances', 2, 2, 'requested', 1, 'async', '[{"category":"account","types":[],"tags":[]}]', 'stream', 'account_balance', 0, '', 1795955736147711, 0, 0);


--
-- Data for Name: sillok_checkpoints; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.sillok_checkpoints VALUES ('owners', 1, 1, 0, '01a2274d-bb50-7000-a749-1be83d24da13', 27, 17, -2651683569536822996, 1, '', 0, 0);
INSERT INTO fixture_balances.sillok_checkpoints VALUES ('owners', 1, 1, 1, '01a2274d-bb50-7000-a749-1be83d24da13', 27, 3, 8870212045661804566, 1, '', 0, 0);
INSERT INTO fixture_balances.sillok_checkpoints VALUES ('balances', 1, 1, 0, '01a2274d-bb50-7000-a749-1be83d24da13', 35, 28, 6814142453659035961, 1, '', 0, 0);
INSERT INTO fixture_balances.sillok_checkpoints VALUES ('balances', 2, 1, 0, '01a2274d-bb50-7000-a749-1be83d24da13', 35, 28, 6814142453659035961, 3, '', 0, 0);


--
-- Data for Name: sillok_dead_letters; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 1, 1, 0, 30, 'account-4', '01a2274d-bc24-7000-a80e-bd5082a6e474', 'deposited', 'account-4', 'failed', 'Unlucky()', 2, 1795955735600573, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 1, 1, 0, 31, 'account-4', '01a2274d-bc26-7000-8b60-f942e19f9938', 'deposited', 'account-4', 'behind', 'it follows a dead letter of its sequence', 0, 1795955735600576, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 1, 1, 0, 32, 'account-5', '01a2274d-bc27-7000-9b6b-110ba1ce09e8', 'deposited', 'account-5', 'failed', 'Unlucky()', 2, 1795955735601636, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 1, 1, 0, 33, 'account-5', '01a2274d-bc28-7000-9f10-2d6cc4a04027', 'deposited', 'account-5', 'behind', 'it follows a dead letter of its sequence', 0, 1795955735601639, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 1, 1, 0, 34, 'account-6', '01a2274d-bc29-7000-8d2e-225959e22b72', 'deposited', 'account-6', 'failed', 'Unlucky()', 2, 1795955735602701, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 1, 1, 0, 35, 'account-6', '01a2274d-bc2b-7000-9947-48ccc2791bab', 'deposited', 'account-6', 'behind', 'it follows a dead letter of its sequence', 0, 1795955735602716, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 1, 1, 0, 28, 'account-3', '01a2274d-bc21-7000-bb60-17e3d2db91b1', 'deposited', 'account-3', 'skipped', 'Unlucky()', 2, 1795955735599483, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 2, 1, 0, 28, 'account-3', '01a2274d-bc21-7000-bb60-17e3d2db91b1', 'deposited', 'account-3', 'failed', 'Unlucky()', 2, 1795955735615072, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 2, 1, 0, 29, 'account-3', '01a2274d-bc23-7000-a55a-cce457baa5e0', 'deposited', 'account-3', 'behind', 'it follows a dead letter of its sequence', 0, 1795955735615076, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 2, 1, 0, 30, 'account-4', '01a2274d-bc24-7000-a80e-bd5082a6e474', 'deposited', 'account-4', 'skipped', 'Unlucky()', 2, 1795955735616150, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 2, 1, 0, 34, 'account-6', '01a2274d-bc29-7000-8d2e-225959e22b72', 'deposited', 'account-6', 'retry', 'Unlucky()', 2, 1795955735618300, NULL);
INSERT INTO fixture_balances.sillok_dead_letters VALUES ('balances', 2, 1, 0, 35, 'account-6', '01a2274d-bc2b-7000-9947-48ccc2791bab', 'deposited', 'account-6', 'retry', 'it follows a dead letter of its sequence', 0, 1795955735618303, NULL);


--
-- Data for Name: sillok_format; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.sillok_format VALUES (1);


--
-- Data for Name: sillok_marks; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--



--
-- Data for Name: sillok_objectives; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--



--
-- Data for Name: sillok_reactions; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.sillok_reactions VALUES ('balances/letters', 35);


--
-- Data for Name: sillok_snapshots; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.sillok_snapshots VALUES ('FixtureTests.Account', 'account-1', 17, 12, '01a2274d-bbe9-7000-ab9a-f537e3f954e5', 1795955735530431, 1795955735493984, '01a2274d-bb50-7000-a749-1be83d24da13', '1/51dc94446196a954/db8acf14e5a5c624', '{"owner":"Ada","balance":1155}', -7543946307018025575);
INSERT INTO fixture_balances.sillok_snapshots VALUES ('FixtureTests.Account', 'account-1', 18, 13, '01a2274d-bbea-7000-a902-0a3d5b6a0a5d', 1795955735533254, 1795955735493984, '01a2274d-bb50-7000-a749-1be83d24da13', '1/51dc94446196a954/db8acf14e5a5c624', '{"owner":"Ada","balance":1266}', -5781294568418130719);
INSERT INTO fixture_balances.sillok_snapshots VALUES ('FixtureTests.Course', '[{"types":[],"tags":["course:swift"]}]', 25, 5, '01a2274d-bc09-7000-a53c-9a9c429c3b44', 1795955735561957, 1795955735553820, '01a2274d-bb50-7000-a749-1be83d24da13', '1/da5e759527fe1a49/b143da8310b14b71', '{"seats":9,"students":["Ada","Grace","Edsger","Barbara"]}', -2281879454290321954);


--
-- Data for Name: sillok_turn; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--

INSERT INTO fixture_balances.sillok_turn VALUES (true);


--
-- Data for Name: sillok_writers; Type: TABLE DATA; Schema: fixture_balances; Owner: -
--



--
-- Data for Name: event_tags; Type: TABLE DATA; Schema: fixture_bank; Owner: -
--

INSERT INTO fixture_bank.event_tags VALUES ('owner:Ada', 1);
INSERT INTO fixture_bank.event_tags VALUES ('owner:Grace', 2);
INSERT INTO fixture_bank.event_tags VALUES ('owner:Edsger', 3);
INSERT INTO fixture_bank.event_tags VALUES ('owner:Barbara', 4);
INSERT INTO fixture_bank.event_tags VALUES ('owner:Ken', 5);
INSERT INTO fixture_bank.event_tags VALUES ('owner:Tony', 6);
INSERT INTO fixture_bank.event_tags VALUES ('course:swift', 21);
INSERT INTO fixture_bank.event_tags VALUES ('course:swift', 22);
INSERT INTO fixture_bank.event_tags VALUES ('student:Ada', 22);
INSERT INTO fixture_bank.event_tags VALUES ('student:Grace', 23);
INSERT INTO fixture_bank.event_tags VALUES ('course:swift', 23);
INSERT INTO fixture_bank.event_tags VALUES ('course:swift', 24);
INSERT INTO fixture_bank.event_tags VALUES ('student:Edsger', 24);
INSERT INTO fixture_bank.event_tags VALUES ('student:Barbara', 25);
INSERT INTO fixture_bank.event_tags VALUES ('course:swift', 25);
INSERT INTO fixture_bank.event_tags VALUES ('student:Ken', 26);
INSERT INTO fixture_bank.event_tags VALUES ('course:swift', 26);
INSERT INTO fixture_bank.event_tags VALUES ('course:swift', 27);
INSERT INTO fixture_bank.event_tags VALUES ('student:Tony', 27);
INSERT INTO fixture_bank.event_tags VALUES ('course:swift', 39);
INSERT INTO fixture_bank.event_tags VALUES ('student:Alan', 39);
INSERT INTO fixture_bank.event_tags VALUES ('from:elsewhere', 40);
INSERT INTO fixture_bank.event_tags VALUES ('from:elsewhere', 41);
INSERT INTO fixture_bank.event_tags VALUES ('third:3', 42);
INSERT INTO fixture_bank.event_tags VALUES ('topic:실록', 42);
INSERT INTO fixture_bank.event_tags VALUES ('third:0', 59);
INSERT INTO fixture_bank.event_tags VALUES ('third:0', 62);
INSERT INTO fixture_bank.event_tags VALUES ('third:1', 54);
INSERT INTO fixture_bank.event_tags VALUES ('third:2', 58);
INSERT INTO fixture_bank.event_tags VALUES ('third:2', 52);
INSERT INTO fixture_bank.event_tags VALUES ('third:1', 45);
INSERT INTO fixture_bank.event_tags VALUES ('third:0', 53);
INSERT INTO fixture_bank.event_tags VALUES ('third:0', 47);
INSERT INTO fixture_bank.event_tags VALUES ('third:2', 46);
INSERT INTO fixture_bank.event_tags VALUES ('third:0', 50);
INSERT INTO fixture_bank.event_tags VALUES ('third:1', 63);
INSERT INTO fixture_bank.event_tags VALUES ('third:2', 61);
INSERT INTO fixture_bank.event_tags VALUES ('third:1', 57);
INSERT INTO fixture_bank.event_tags VALUES ('third:2', 49);
INSERT INTO fixture_bank.event_tags VALUES ('third:1', 48);
INSERT INTO fixture_bank.event_tags VALUES ('third:1', 51);
INSERT INTO fixture_bank.event_tags VALUES ('third:1', 60);
INSERT INTO fixture_bank.event_tags VALUES ('third:2', 55);
INSERT INTO fixture_bank.event_tags VALUES ('third:0', 56);
INSERT INTO fixture_bank.event_tags VALUES ('third:2', 64);


--
-- Data for Name: events; Type: TABLE DATA; Schema: fixture_bank; Owner: -
--

INSERT INTO fixture_bank.events VALUES (1, 1, 1795955735493984, '01a2274d-bbba-7000-89d3-0e0fbb162b8f', 'account-1', DEFAULT, 'opened', NULL, NULL, NULL, '{owner:Ada}', '\x056163746f720674656c6c65720d636f7272656c6174696f6e6964076d6f726e696e670b636175736174696f6e69642430316132323734642d626262612d373030302d383964332d30653066626231363262386609636f6d6d616e6469642430316132323734642d626262612d373030302d383964332d30653066626231363262386606726561736f6e0b6f70656e696e6720646179', '\x7b226f776e6572223a22416461227d', '\x15816c9bb6bcfe6987b38bc7e22f977cf806fac60575faa27ebd6bfd910e3263');
INSERT INTO fixture_bank.events VALUES (2, 1, 1795955735504116, '01a2274d-bbce-7000-93dc-7ea888442e53', 'account-2', DEFAULT, 'opened', NULL, NULL, NULL, '{owner:Grace}', '\x056163746f720674656c6c65720d636f7272656c6174696f6e6964076d6f726e696e670b636175736174696f6e69642430316132323734642d626263652d373030302d393364632d37656138383834343265353309636f6d6d616e6469642430316132323734642d626263652d373030302d393364632d37656138383834343265353306726561736f6e0b6f70656e696e6720646179', '\x7b226f776e6572223a224772616365227d', '\xed7f493d10888320aacebcf878fbfda615b7af63b15d304c37888fe9e6aacb87');
INSERT INTO fixture_bank.events VALUES (3, 1, 1795955735510612, '01a2274d-bbd1-7000-85e4-22e8048ac27c', 'account-3', DEFAULT, 'opened', NULL, NULL, NULL, '{owner:Edsger}', '\x056163746f720674656c6c65720d636f7272656c6174696f6e6964076d6f726e696e670b636175736174696f6e69642430316132323734642d626264312d373030302d383565342d32326538303438616332376309636f6d6d616e6469642430316132323734642d626264312d373030302d383565342d32326538303438616332376306726561736f6e0b6f70656e696e6720646179', '\x7b226f776e6572223a22456473676572227d', '\x8f54673b346599fc79de00a85169f5c989f290470f989234b2a3cab1497e510f');
INSERT INTO fixture_bank.events VALUES (4, 1, 1795955735513048, '01a2274d-bbd8-7000-b93a-3f5d011ea037', 'account-4', DEFAULT, 'opened', NULL, NULL, NULL, '{owner:Barbara}', '\x056163746f720674656c6c65720d636f7272656c6174696f6e6964076d6f726e696e670b636175736174696f6e69642430316132323734642d626264382d373030302d623933612d33663564303131656130333709636f6d6d616e6469642430316132323734642d626264382d373030302d623933612d33663564303131656130333706726561736f6e0b6f70656e696e6720646179', '\x7b226f776e6572223a2242617262617261227d', '\x0fb9754798772900869f4223e930b3e7c0ef1ace2c81da10962e952ffb32c7d4');
INSERT INTO fixture_bank.events VALUES (5, 1, 1795955735514583, '01a2274d-bbd9-7000-9722-3024fd0623a1', 'account-5', DEFAULT, 'opened', NULL, NULL, NULL, '{owner:Ken}', '\x056163746f720674656c6c65720d636f7272656c6174696f6e6964076d6f726e696e670b636175736174696f6e69642430316132323734642d626264392d373030302d393732322d33303234666430363233613109636f6d6d616e6469642430316132323734642d626264392d373030302d393732322d33303234666430363233613106726561736f6e0b6f70656e696e6720646179', '\x7b226f776e6572223a224b656e227d', '\x77c78022a27ebff247edf4e8dcda1a08fd20c2d5fd6088b4358b7b3730393065');
INSERT INTO fixture_bank.events VALUES (6, 1, 1795955735516017, '01a2274d-bbdb-7000-a4c2-2349e800ea9f', 'account-6', DEFAULT, 'opened', NULL, NULL, NULL, '{owner:Tony}', '\x056163746f720674656c6c65720d636f7272656c6174696f6e6964076d6f726e696e670b636175736174696f6e69642430316132323734642d626264622d373030302d613463322d32333439653830306561396609636f6d6d616e6469642430316132323734642d626264622d373030302d613463322d32333439653830306561396606726561736f6e0b6f70656e696e6720646179', '\x7b226f776e6572223a22546f6e79227d', '\x600124c336dcd070a218dd61558399579ed184fa730eb6e86cb56a18c4596d01');
INSERT INTO fixture_bank.events VALUES (7, 2, 1795955735517588, '01a2274d-bbdc-7000-bdee-31d1a30790e4', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626264632d373030302d626465652d3331643161333037393065340b636175736174696f6e69642430316132323734642d626264632d373030302d626465652d33316431613330373930653409636f6d6d616e6469642430316132323734642d626264632d373030302d626465652d333164316133303739306534', '\x7b2263656e7473223a3130307d', '\x695dc6b90ec3f91045096e24bc80b342a3c2c80c6a1240a9999819121cb9f52c');
INSERT INTO fixture_bank.events VALUES (8, 3, 1795955735519053, '01a2274d-bbde-7000-ab16-1e3a2c9a67a5', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626264652d373030302d616231362d3165336132633961363761350b636175736174696f6e69642430316132323734642d626264652d373030302d616231362d31653361326339613637613509636f6d6d616e6469642430316132323734642d626264652d373030302d616231362d316533613263396136376135', '\x7b2263656e7473223a3130317d', '\x014f0442a3e3ed1bc0b896c4f56048e2e4901b114fad0bf0c61273c07ba914c3');
INSERT INTO fixture_bank.events VALUES (9, 4, 1795955735520391, '01a2274d-bbdf-7000-a69b-8cad07c8710e', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626264662d373030302d613639622d3863616430376338373130650b636175736174696f6e69642430316132323734642d626264662d373030302d613639622d38636164303763383731306509636f6d6d616e6469642430316132323734642d626264662d373030302d613639622d386361643037633837313065', '\x7b2263656e7473223a3130327d', '\x3ad64a7ab6a70119924ac72e2808209ef5499e31233f38d27cadc27a651cb702');
INSERT INTO fixture_bank.events VALUES (10, 5, 1795955735521645, '01a2274d-bbe0-7000-b962-0ee7ab8bf9fb', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265302d373030302d623936322d3065653761623862663966620b636175736174696f6e69642430316132323734642d626265302d373030302d623936322d30656537616238626639666209636f6d6d616e6469642430316132323734642d626265302d373030302d623936322d306565376162386266396662', '\x7b2263656e7473223a3130337d', '\xfe961098200dcaa68dd4eb857a4a7cddc75026dfca49083b5b66be697a08accf');
INSERT INTO fixture_bank.events VALUES (11, 6, 1795955735523003, '01a2274d-bbe2-7000-be81-15c9b55efc37', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265322d373030302d626538312d3135633962353565666333370b636175736174696f6e69642430316132323734642d626265322d373030302d626538312d31356339623535656663333709636f6d6d616e6469642430316132323734642d626265322d373030302d626538312d313563396235356566633337', '\x7b2263656e7473223a3130347d', '\x7532670a17ffd40ecdda735454f8f06a69753e851c90f261db3adb77ada690cf');
INSERT INTO fixture_bank.events VALUES (12, 7, 1795955735524302, '01a2274d-bbe3-7000-b654-3a7fc05f4f8c', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265332d373030302d623635342d3361376663303566346638630b636175736174696f6e69642430316132323734642d626265332d373030302d623635342d33613766633035663466386309636f6d6d616e6469642430316132323734642d626265332d373030302d623635342d336137666330356634663863', '\x7b2263656e7473223a3130357d', '\xc64157edc2e75f420ddfd41a9cf6e98bd70c647096285ccf0e5a05ba947317bc');
INSERT INTO fixture_bank.events VALUES (13, 8, 1795955735525633, '01a2274d-bbe4-7000-a16b-28ef9d01cf26', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265342d373030302d613136622d3238656639643031636632360b636175736174696f6e69642430316132323734642d626265342d373030302d613136622d32386566396430316366323609636f6d6d616e6469642430316132323734642d626265342d373030302d613136622d323865663964303163663236', '\x7b2263656e7473223a3130367d', '\x649fbc84d70a9380e0e5c7f1aa462b61ab17f6677821d7268f6f1a427312a377');
INSERT INTO fixture_bank.events VALUES (14, 9, 1795955735526894, '01a2274d-bbe6-7000-8058-15e45d15fb59', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265362d373030302d383035382d3135653435643135666235390b636175736174696f6e69642430316132323734642d626265362d373030302d383035382d31356534356431356662353909636f6d6d616e6469642430316132323734642d626265362d373030302d383035382d313565343564313566623539', '\x7b2263656e7473223a3130377d', '\xabb5d0b97e2cba301375bb04223284493cb6a533e571363d7d075e99366c8295');
INSERT INTO fixture_bank.events VALUES (15, 10, 1795955735528063, '01a2274d-bbe7-7000-841d-18e1ac15ad82', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265372d373030302d383431642d3138653161633135616438320b636175736174696f6e69642430316132323734642d626265372d373030302d383431642d31386531616331356164383209636f6d6d616e6469642430316132323734642d626265372d373030302d383431642d313865316163313561643832', '\x7b2263656e7473223a3130387d', '\x85e10ac25f717dd56d8d36447cc6a2f1d71997dbe20251b184d2e0aa7cf2e19f');
INSERT INTO fixture_bank.events VALUES (16, 11, 1795955735529258, '01a2274d-bbe8-7000-ab0d-d68d2ee3d62e', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265382d373030302d616230642d6436386432656533643632650b636175736174696f6e69642430316132323734642d626265382d373030302d616230642d64363864326565336436326509636f6d6d616e6469642430316132323734642d626265382d373030302d616230642d643638643265653364363265', '\x7b2263656e7473223a3130397d', '\x117665486f50b845814daa8cc830f3f64854ace0678c2d7685ee631072877bc4');
INSERT INTO fixture_bank.events VALUES (17, 12, 1795955735530431, '01a2274d-bbe9-7000-ab9a-f537e3f954e5', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265392d373030302d616239612d6635333765336639353465350b636175736174696f6e69642430316132323734642d626265392d373030302d616239612d66353337653366393534653509636f6d6d616e6469642430316132323734642d626265392d373030302d616239612d663533376533663935346535', '\x7b2263656e7473223a3131307d', '\xabd3cf85f7dc1b5a10f7348208161f7dc1e054a574c6cdb2b01d4e20e1f18829');
INSERT INTO fixture_bank.events VALUES (18, 13, 1795955735533254, '01a2274d-bbea-7000-a902-0a3d5b6a0a5d', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265612d373030302d613930322d3061336435623661306135640b636175736174696f6e69642430316132323734642d626265612d373030302d613930322d30613364356236613061356409636f6d6d616e6469642430316132323734642d626265612d373030302d613930322d306133643562366130613564', '\x7b2263656e7473223a3131317d', '\x2e56884ba448daee410d6318517c60472beb76e870875f15fd786f5a459ce570');
INSERT INTO fixture_bank.events VALUES (19, 14, 1795955735536159, '01a2274d-bbed-7000-b983-cf1fcf7766de', 'account-1', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626265642d373030302d623938332d6366316663663737363664650b636175736174696f6e69642430316132323734642d626265642d373030302d623938332d63663166636637373636646509636f6d6d616e6469642430316132323734642d626265642d373030302d623938332d636631666366373736366465', '\x7b2263656e7473223a3131327d', '\x7793e054d088421bb89883a023717177b4f0295f3e4db27be9a186b685302c62');
INSERT INTO fixture_bank.events VALUES (20, 15, 1795955735545648, '01a2274d-bbf3-7000-a86a-b784d5222f49', 'account-1', DEFAULT, 'withdrawn', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626266332d373030302d613836612d6237383464353232326634390b636175736174696f6e69642430316132323734642d626266332d373030302d613836612d62373834643532323266343909636f6d6d616e6469642430316132323734642d626266332d373030302d613836612d623738346435323232663439', '\x7b2263656e7473223a35307d', '\x2b1b2044cf9812506d2e89caea2773abe8ba2b83ff87db6795b0e031dbdbd241');
INSERT INTO fixture_bank.events VALUES (21, 0, 1795955735553820, '01a2274d-bbfe-7000-a451-5e86acd5cd83', NULL, DEFAULT, 'defined', NULL, NULL, NULL, '{course:swift}', '\x0d636f7272656c6174696f6e69642430316132323734642d626266652d373030302d613435312d3565383661636435636438330b636175736174696f6e69642430316132323734642d626266652d373030302d613435312d35653836616364356364383309636f6d6d616e6469642430316132323734642d626266652d373030302d613435312d356538366163643563643833', '\x7b22636f75727365223a227377696674222c227365617473223a397d', '\x45fe36bd7f86e5ee712f846c4733fd69ed760485fb81bb81dd8e1cd69f335ef7');
INSERT INTO fixture_bank.events VALUES (22, 0, 1795955735556525, '01a2274d-bc03-7000-b697-36c6cc36c6a8', NULL, DEFAULT, 'enrolled', NULL, NULL, NULL, '{course:swift,student:Ada}', '\x0d636f7272656c6174696f6e69642430316132323734642d626330332d373030302d623639372d3336633663633336633661380b636175736174696f6e69642430316132323734642d626330332d373030302d623639372d33366336636333366336613809636f6d6d616e6469642430316132323734642d626330332d373030302d623639372d333663366363333663366138', '\x7b2273747564656e74223a22416461222c22636f75727365223a227377696674227d', '\x6e02ac231f401f6168e46f2599c5afd40d22472d8d6233e3b522696271a64e01');
INSERT INTO fixture_bank.events VALUES (23, 0, 1795955735558519, '01a2274d-bc05-7000-9e8a-045ccfb0ab83', NULL, DEFAULT, 'enrolled', NULL, NULL, NULL, '{course:swift,student:Grace}', '\x0d636f7272656c6174696f6e69642430316132323734642d626330352d373030302d396538612d3034356363666230616238330b636175736174696f6e69642430316132323734642d626330352d373030302d396538612d30343563636662306162383309636f6d6d616e6469642430316132323734642d626330352d373030302d396538612d303435636366623061623833', '\x7b2273747564656e74223a224772616365222c22636f75727365223a227377696674227d', '\xc846e0da7623ca84e3859dc4aa39ba4d3e1d2107ddd35c5ad3b443a7451dbc47');
INSERT INTO fixture_bank.events VALUES (24, 0, 1795955735560290, '01a2274d-bc07-7000-81a8-a523380b233c', NULL, DEFAULT, 'enrolled', NULL, NULL, NULL, '{course:swift,student:Edsger}', '\x0d636f7272656c6174696f6e69642430316132323734642d626330372d373030302d383161382d6135323333383062323333630b636175736174696f6e69642430316132323734642d626330372d373030302d383161382d61353233333830623233336309636f6d6d616e6469642430316132323734642d626330372d373030302d383161382d613532333338306232333363', '\x7b2273747564656e74223a22456473676572222c22636f75727365223a227377696674227d', '\x48f811ad927d4c6bc9cbbc7e3e98d6b26e56df8a71d8adf0a01e5e728e8d6e26');
INSERT INTO fixture_bank.events VALUES (57, 13, 1795955736163337, '01a2274d-be63-700c-b920-ef7398a1cb65', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:1}', NULL, '\x3133', '\xcd1ec4816bafb5c4c0f962b78519fa4ae315a607df363331c6410f117dc5a8ae');
INSERT INTO fixture_bank.events VALUES (25, 0, 1795955735561957, '01a2274d-bc09-7000-a53c-9a9c429c3b44', NULL, DEFAULT, 'enrolled', NULL, NULL, NULL, '{course:swift,student:Barbara}', '\x0d636f7272656c6174696f6e69642430316132323734642d626330392d373030302d613533632d3961396334323963336234340b636175736174696f6e69642430316132323734642d626330392d373030302d613533632d39613963343239633362343409636f6d6d616e6469642430316132323734642d626330392d373030302d613533632d396139633432396333623434', '\x7b2273747564656e74223a2242617262617261222c22636f75727365223a227377696674227d', '\xd00e67b8a7494789620955776bbdc42eec5254a9601872d9903e57e94eb946b2');
INSERT INTO fixture_bank.events VALUES (26, 0, 1795955735565430, '01a2274d-bc0b-7000-a648-d26afa1a3687', NULL, DEFAULT, 'enrolled', NULL, NULL, NULL, '{course:swift,student:Ken}', '\x0d636f7272656c6174696f6e69642430316132323734642d626330622d373030302d613634382d6432366166613161333638370b636175736174696f6e69642430316132323734642d626330622d373030302d613634382d64323661666131613336383709636f6d6d616e6469642430316132323734642d626330622d373030302d613634382d643236616661316133363837', '\x7b2273747564656e74223a224b656e222c22636f75727365223a227377696674227d', '\x0a03d37ed9a066f698e4c1a39f88ff1d4af1c2b3e2b806441c8f3649770af8cf');
INSERT INTO fixture_bank.events VALUES (27, 0, 1795955735567203, '01a2274d-bc0e-7000-ab3c-8bc443896554', NULL, DEFAULT, 'enrolled', NULL, NULL, NULL, '{course:swift,student:Tony}', '\x0d636f7272656c6174696f6e69642430316132323734642d626330652d373030302d616233632d3862633434333839363535340b636175736174696f6e69642430316132323734642d626330652d373030302d616233632d38626334343338393635353409636f6d6d616e6469642430316132323734642d626330652d373030302d616233632d386263343433383936353534', '\x7b2273747564656e74223a22546f6e79222c22636f75727365223a227377696674227d', '\x8807989b1383f221a49160d8ebc8c374a69fc8cf82505d0b0856b5f355d2a328');
INSERT INTO fixture_bank.events VALUES (28, 2, 1795955735586285, '01a2274d-bc21-7000-bb60-17e3d2db91b1', 'account-3', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626332312d373030302d626236302d3137653364326462393162310b636175736174696f6e69642430316132323734642d626332312d373030302d626236302d31376533643264623931623109636f6d6d616e6469642430316132323734642d626332312d373030302d626236302d313765336432646239316231', '\x7b2263656e7473223a31337d', '\xeaf5e62ce439dd6af8e2aded2d1869e9b1fb4c400742581fa7a11dad8fb9f816');
INSERT INTO fixture_bank.events VALUES (29, 3, 1795955735587982, '01a2274d-bc23-7000-a55a-cce457baa5e0', 'account-3', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626332332d373030302d613535612d6363653435376261613565300b636175736174696f6e69642430316132323734642d626332332d373030302d613535612d63636534353762616135653009636f6d6d616e6469642430316132323734642d626332332d373030302d613535612d636365343537626161356530', '\x7b2263656e7473223a377d', '\xb6bb64483f10554b761d23740bd84c8009db9b13b972f986ee6e1a227d669d1a');
INSERT INTO fixture_bank.events VALUES (30, 2, 1795955735589514, '01a2274d-bc24-7000-a80e-bd5082a6e474', 'account-4', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626332342d373030302d613830652d6264353038326136653437340b636175736174696f6e69642430316132323734642d626332342d373030302d613830652d62643530383261366534373409636f6d6d616e6469642430316132323734642d626332342d373030302d613830652d626435303832613665343734', '\x7b2263656e7473223a31337d', '\x4242dcc95895a9c2267986cb92d5d3886179c6c72d5a57b48026e71c82829737');
INSERT INTO fixture_bank.events VALUES (31, 3, 1795955735590793, '01a2274d-bc26-7000-8b60-f942e19f9938', 'account-4', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626332362d373030302d386236302d6639343265313966393933380b636175736174696f6e69642430316132323734642d626332362d373030302d386236302d66393432653139663939333809636f6d6d616e6469642430316132323734642d626332362d373030302d386236302d663934326531396639393338', '\x7b2263656e7473223a377d', '\x6750b077a8ed19c450b76b3c04bf846629c5e315b15c9355025a3b1759cb1cad');
INSERT INTO fixture_bank.events VALUES (32, 2, 1795955735591994, '01a2274d-bc27-7000-9b6b-110ba1ce09e8', 'account-5', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626332372d373030302d396236622d3131306261316365303965380b636175736174696f6e69642430316132323734642d626332372d373030302d396236622d31313062613163653039653809636f6d6d616e6469642430316132323734642d626332372d373030302d396236622d313130626131636530396538', '\x7b2263656e7473223a31337d', '\x8b94423b3b3db825d587714c3d1d89855b63bbaff23297128c6b7aa8ce12f2ae');
INSERT INTO fixture_bank.events VALUES (33, 3, 1795955735593295, '01a2274d-bc28-7000-9f10-2d6cc4a04027', 'account-5', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626332382d373030302d396631302d3264366363346130343032370b636175736174696f6e69642430316132323734642d626332382d373030302d396631302d32643663633461303430323709636f6d6d616e6469642430316132323734642d626332382d373030302d396631302d326436636334613034303237', '\x7b2263656e7473223a377d', '\x5cce363d0fe659624286cdd12cc7f806cc8c81695b530a84c352afaf3f8f59f8');
INSERT INTO fixture_bank.events VALUES (34, 2, 1795955735594561, '01a2274d-bc29-7000-8d2e-225959e22b72', 'account-6', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626332392d373030302d386432652d3232353935396532326237320b636175736174696f6e69642430316132323734642d626332392d373030302d386432652d32323539353965323262373209636f6d6d616e6469642430316132323734642d626332392d373030302d386432652d323235393539653232623732', '\x7b2263656e7473223a31337d', '\x4d06c87f8edb6a8da442b9d5cfab9ff9307e62882338817f2736129bd2ac571c');
INSERT INTO fixture_bank.events VALUES (35, 3, 1795955735595847, '01a2274d-bc2b-7000-9947-48ccc2791bab', 'account-6', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626332622d373030302d393934372d3438636363323739316261620b636175736174696f6e69642430316132323734642d626332622d373030302d393934372d34386363633237393162616209636f6d6d616e6469642430316132323734642d626332622d373030302d393934372d343863636332373931626162', '\x7b2263656e7473223a377d', '\xb0029a860356b54e2910f292ba0fd080bddf5710eb01dec33ebaade79d4c16e3');
INSERT INTO fixture_bank.events VALUES (36, 2, 1795955736149488, '01a2274d-be54-7000-9367-1c68d1b6d547', 'account-2', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626535342d373030302d393336372d3163363864316236643534370b636175736174696f6e69642430316132323734642d626535342d373030302d393336372d31633638643162366435343709636f6d6d616e6469642430316132323734642d626535342d373030302d393336372d316336386431623664353437', '\x7b2263656e7473223a317d', '\x835a79a10301de8aead900c700d8c4bdd5c0001726ba0603c47920457c5257b9');
INSERT INTO fixture_bank.events VALUES (37, 3, 1795955736151509, '01a2274d-be56-7000-9da6-613ae131c4a8', 'account-2', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626535362d373030302d396461362d3631336165313331633461380b636175736174696f6e69642430316132323734642d626535362d373030302d396461362d36313361653133316334613809636f6d6d616e6469642430316132323734642d626535362d373030302d396461362d363133616531333163346138', '\x7b2263656e7473223a327d', '\x2ecbc2cd4f78e2d2c11fa5e4995f1ba20a1fa2d0f659e76d70edceef5087cf15');
INSERT INTO fixture_bank.events VALUES (38, 4, 1795955736153199, '01a2274d-be58-7000-9ca2-871ff09cf884', 'account-2', DEFAULT, 'deposited', NULL, NULL, NULL, NULL, '\x0d636f7272656c6174696f6e69642430316132323734642d626535382d373030302d396361322d3837316666303963663838340b636175736174696f6e69642430316132323734642d626535382d373030302d396361322d38373166663039636638383409636f6d6d616e6469642430316132323734642d626535382d373030302d396361322d383731666630396366383834', '\x7b2263656e7473223a337d', '\x46da98ca04cbc659a70c4cde7c14b31ebd3aeef4044b7f97d8b15cbb80b0dfb8');
INSERT INTO fixture_bank.events VALUES (39, 0, 1795955736155310, '01a2274d-be5a-7000-95ff-4064b2e66709', NULL, DEFAULT, 'enrolled', NULL, NULL, NULL, '{course:swift,student:Alan}', '\x0d636f7272656c6174696f6e69642430316132323734642d626535612d373030302d393566662d3430363462326536363730390b636175736174696f6e69642430316132323734642d626535612d373030302d393566662d34303634623265363637303909636f6d6d616e6469642430316132323734642d626535612d373030302d393566662d343036346232653636373039', '\x7b2273747564656e74223a22416c616e222c22636f75727365223a227377696674227d', '\x284966d77f58dbe97a2d6286e7b428d0e712cf399faef0be2958a770640b749b');
INSERT INTO fixture_bank.events VALUES (40, 1, 1795955736156301, '01a2274d-be5c-7000-90f4-7df6426ffa59', 'copy-1', DEFAULT, 'copied', NULL, 'elsewhere', 3, '{from:elsewhere}', NULL, '\x33', '\x6f8f1e5b30c6c81d16793b0a5907dbc6faa2db45d8cf874d9da8f5a6f00d0650');
INSERT INTO fixture_bank.events VALUES (41, 2, 1795955736158936, '01a2274d-be5e-7000-bcaf-61d72c96594f', 'copy-1', DEFAULT, 'copied', NULL, 'elsewhere', 8, '{from:elsewhere}', NULL, '\x38', '\x84cf7a146359bbc799173ad0656e80f772ac10735744da9d4053e68da1b3df1a');
INSERT INTO fixture_bank.events VALUES (42, 0, 1795955736161025, '01a2274d-be60-7000-9611-c2e68e2b14db', NULL, DEFAULT, 'noted', NULL, NULL, NULL, '{topic:실록,topic:실록,third:3}', '\x056163746f7208696d706f727465720b7472616365706172656e743730302d34626639326633353737623334646136613363653932396430653065343733362d303066303637616130626139303262372d303106636f6c6f757206ebaaa8eb9e800d736368656d6176657273696f6e0133', '\x7b2274657874223a22ec82acecb488205c753030303120c3a9227d', '\x3a4c433788902dd77a5c6296c22a2506b51772aacdcd479b536fbd4d1189957c');
INSERT INTO fixture_bank.events VALUES (43, 1, 1795955736161025, '01a2274d-be60-7001-b07b-45d85ea51e38', 'blob-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', DEFAULT, 'stored', 'application/octet-stream', NULL, NULL, NULL, NULL, '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', '\x0fad64a5752337e7b0c64e1c075a1b5bd03b9a8db2ba772e8c9bd2db3f36deea');
INSERT INTO fixture_bank.events VALUES (44, 0, 1795955736161025, '01a2274d-be60-7002-b4df-208a55bd44ab', NULL, DEFAULT, 'emptied', 'text/plain', NULL, NULL, NULL, NULL, '\x', '\xa584717f69dee05fe71dd12eb805d39755ac0d928fe18f30f328236f678a8ea2');
INSERT INTO fixture_bank.events VALUES (45, 1, 1795955736163337, '01a2274d-be63-7000-9c4e-c3cad6798a13', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:1}', NULL, '\x31', '\xc5d4e419382cb9a3176cbefacf26639c65c5acee7d9532163dd39e0f7ba9acbe');
INSERT INTO fixture_bank.events VALUES (46, 2, 1795955736163337, '01a2274d-be63-7001-95f7-7099c028fa2d', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:2}', NULL, '\x32', '\x5ae779c806fb7cd17e7015817dc38943fdafd67eeba5e03ba450215122d52d57');
INSERT INTO fixture_bank.events VALUES (47, 3, 1795955736163337, '01a2274d-be63-7002-ad48-b209c162f4b6', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:0}', NULL, '\x33', '\xbc15730d97720defdc8604980d20a5f9a6d9606612cf5f6cabc089a8aa9b8eda');
INSERT INTO fixture_bank.events VALUES (48, 4, 1795955736163337, '01a2274d-be63-7003-84b3-400d68e294a3', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:1}', NULL, '\x34', '\xa0e596aba62b84c6fbc58056d3d7d1018877aa2b676e1144eebab4eff70386ba');
INSERT INTO fixture_bank.events VALUES (49, 5, 1795955736163337, '01a2274d-be63-7004-80f0-3be51058df7b', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:2}', NULL, '\x35', '\x5b7469ca7afaeeeb8e7a0e3ec6168cead67c39557014085551cb77576ba358d7');
INSERT INTO fixture_bank.events VALUES (50, 6, 1795955736163337, '01a2274d-be63-7005-8198-1350cdcb5d81', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:0}', NULL, '\x36', '\x8efaa2ed7fcc52b2b002726d7c9d1a742ba81aaa5d1d45371c856ad1a0c5128e');
INSERT INTO fixture_bank.events VALUES (51, 7, 1795955736163337, '01a2274d-be63-7006-9e1a-df42be3f5d7b', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:1}', NULL, '\x37', '\x088fda780e27a73ae8484c4e06f4a0d4a7232e8e5bcd46c706a1c3c7f2b608b8');
INSERT INTO fixture_bank.events VALUES (52, 8, 1795955736163337, '01a2274d-be63-7007-91d4-41ebb9e66b7b', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:2}', NULL, '\x38', '\x12a2231e1f535b38e8b1397507d6ad8acf1d4b7889f3c3bdcfcdddd63ef7d49f');
INSERT INTO fixture_bank.events VALUES (53, 9, 1795955736163337, '01a2274d-be63-7008-820b-931f1c180115', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:0}', NULL, '\x39', '\xc2e81c38ef81ad98d3aaac5f9a02bdc30fee5015082b92d8c91cffa75955d53e');
INSERT INTO fixture_bank.events VALUES (54, 10, 1795955736163337, '01a2274d-be63-7009-9fc2-67b4ae35a6ce', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:1}', NULL, '\x3130', '\x34e3c84833af01f836c5922e52a3a9c59d3915a6cc8e7a669118b8f2b0530a30');
INSERT INTO fixture_bank.events VALUES (55, 11, 1795955736163337, '01a2274d-be63-700a-964d-d3e81e3e6540', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:2}', NULL, '\x3131', '\x74bad8aa2e85a3fcc02b794bc3e5ec201805c8466545cdd4daaac8fd02697e8d');
INSERT INTO fixture_bank.events VALUES (56, 12, 1795955736163337, '01a2274d-be63-700b-8e59-f247a3b409a9', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:0}', NULL, '\x3132', '\x68f95c58892a6c4c7e06b0763d62c833e5feafe5cf6cfde26f097d97b242f23d');
INSERT INTO fixture_bank.events VALUES (58, 14, 1795955736163337, '01a2274d-be63-700d-ba8e-b3222c017e5c', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:2}', NULL, '\x3134', '\x0685c8692effc38b179e726925af5fbb02abef9e8e0fb504223b69a8972efa21');
INSERT INTO fixture_bank.events VALUES (59, 15, 1795955736163337, '01a2274d-be63-700e-96ad-ec7d32878b66', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:0}', NULL, '\x3135', '\x6f125f893c97ec92c079f23921ab69a2bae90cf95f5e5a3447ee58095c04e44e');
INSERT INTO fixture_bank.events VALUES (60, 16, 1795955736163337, '01a2274d-be63-700f-9c4c-337efbf99f32', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:1}', NULL, '\x3136', '\x4107784adb5eba8815d4ccfa5061fc19bd00c3eb7f4d608f5e3463dd3a4c45ed');
INSERT INTO fixture_bank.events VALUES (61, 17, 1795955736163337, '01a2274d-be63-7010-ac45-29536ff302c1', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:2}', NULL, '\x3137', '\xb8a4f03f5d401c4964c7a7d687af4e94893b35ef030e4160292f5866501aea83');
INSERT INTO fixture_bank.events VALUES (62, 18, 1795955736163337, '01a2274d-be63-7011-9231-d9ef19c2bafc', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:0}', NULL, '\x3138', '\xbcf09f045e037ee0d7a86c3d10959960703cfa59919bed8f5bbec9610f2ba5a9');
INSERT INTO fixture_bank.events VALUES (63, 19, 1795955736163337, '01a2274d-be63-7012-8357-b508d6fe19c9', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:1}', NULL, '\x3139', '\xc71b3c4abb9392ddcdf5b16cf0dd821f8f5a2d1cc1388499c1c3a5db0f08e4bd');
INSERT INTO fixture_bank.events VALUES (64, 20, 1795955736163337, '01a2274d-be63-7013-8eb5-05e2fda36a70', 'many-1', DEFAULT, 'counted', NULL, NULL, NULL, '{third:2}', NULL, '\x3230', '\xbebb91edaf6351b7111dc1232088ccaa5e09e603abb619970fc2205bed57711c');


--
-- Data for Name: steps; Type: TABLE DATA; Schema: fixture_bank; Owner: -
--

INSERT INTO fixture_bank.steps VALUES (1, 'tables', '2026-11-29 12:35:35.376693+00');
INSERT INTO fixture_bank.steps VALUES (2, 'questions', '2026-11-29 12:35:35.376693+00');
INSERT INTO fixture_bank.steps VALUES (3, 'append', '2026-11-29 12:35:35.376693+00');
INSERT INTO fixture_bank.steps VALUES (4, 'append after', '2026-11-29 12:35:35.376693+00');


--
-- Data for Name: store; Type: TABLE DATA; Schema: fixture_bank; Owner: -
--

INSERT INTO fixture_bank.store VALUES ('01a2274d-bb50-7000-a749-1be83d24da13', 1795955735376092, '\x1bc1b1fe935951c4250c40e48375e0275b7834b2e758bc147bb78d53bc1b45c0', 1024, true);


--
-- Data for Name: tracking; Type: TABLE DATA; Schema: fixture_bank; Owner: -
--

INSERT INTO fixture_bank.tracking VALUES ('elsewhere', 8);


--
-- Data for Name: seats_v1_course_seats; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--

INSERT INTO fixture_seats.seats_v1_course_seats VALUES ('swift', 7);


--
-- Data for Name: sillok_audit; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--



--
-- Data for Name: sillok_builds; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--

INSERT INTO fixture_seats.sillok_builds VALUES ('seats', 1, 1, 'live', 1, 'inline', '[{"types":["defined","enrolled"],"tags":[]}]', 'tag:course', 'course_seats', 0, '', 1795955735449982, 0, 0);


--
-- Data for Name: sillok_checkpoints; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--

INSERT INTO fixture_seats.sillok_checkpoints VALUES ('seats', 1, 1, 0, '01a2274d-bb50-7000-a749-1be83d24da13', 64, 8, 1922875180819492348, 0, '', 0, 0);


--
-- Data for Name: sillok_dead_letters; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--



--
-- Data for Name: sillok_format; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--

INSERT INTO fixture_seats.sillok_format VALUES (1);


--
-- Data for Name: sillok_marks; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--



--
-- Data for Name: sillok_objectives; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--



--
-- Data for Name: sillok_reactions; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--



--
-- Data for Name: sillok_snapshots; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--



--
-- Data for Name: sillok_turn; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--

INSERT INTO fixture_seats.sillok_turn VALUES (true);


--
-- Data for Name: sillok_writers; Type: TABLE DATA; Schema: fixture_seats; Owner: -
--



--
-- Name: balances_v1_account_balance balances_v1_account_balance_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.balances_v1_account_balance
    ADD CONSTRAINT balances_v1_account_balance_pkey PRIMARY KEY (account);


--
-- Name: balances_v2_account_balance balances_v2_account_balance_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.balances_v2_account_balance
    ADD CONSTRAINT balances_v2_account_balance_pkey PRIMARY KEY (account);


--
-- Name: owners_v1_owners owners_v1_owners_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.owners_v1_owners
    ADD CONSTRAINT owners_v1_owners_pkey PRIMARY KEY (key);


--
-- Name: sillok_builds sillok_builds_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.sillok_builds
    ADD CONSTRAINT sillok_builds_pkey PRIMARY KEY (projection, version, build);


--
-- Name: sillok_checkpoints sillok_checkpoints_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.sillok_checkpoints
    ADD CONSTRAINT sillok_checkpoints_pkey PRIMARY KEY (projection, version, build, partition);


--
-- Name: sillok_dead_letters sillok_dead_letters_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.sillok_dead_letters
    ADD CONSTRAINT sillok_dead_letters_pkey PRIMARY KEY (projection, version, build, "position");


--
-- Name: sillok_marks sillok_marks_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.sillok_marks
    ADD CONSTRAINT sillok_marks_pkey PRIMARY KEY (projection, version, build, partition, "position");


--
-- Name: sillok_objectives sillok_objectives_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.sillok_objectives
    ADD CONSTRAINT sillok_objectives_pkey PRIMARY KEY (subject, objective);


--
-- Name: sillok_reactions sillok_reactions_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.sillok_reactions
    ADD CONSTRAINT sillok_reactions_pkey PRIMARY KEY (projection);


--
-- Name: sillok_snapshots sillok_snapshots_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.sillok_snapshots
    ADD CONSTRAINT sillok_snapshots_pkey PRIMARY KEY (decider, subject, "position");


--
-- Name: sillok_turn sillok_turn_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.sillok_turn
    ADD CONSTRAINT sillok_turn_pkey PRIMARY KEY (is_only);


--
-- Name: sillok_writers sillok_writers_pkey; Type: CONSTRAINT; Schema: fixture_balances; Owner: -
--

ALTER TABLE ONLY fixture_balances.sillok_writers
    ADD CONSTRAINT sillok_writers_pkey PRIMARY KEY (writer);


--
-- Name: event_tags event_tags_pkey; Type: CONSTRAINT; Schema: fixture_bank; Owner: -
--

ALTER TABLE ONLY fixture_bank.event_tags
    ADD CONSTRAINT event_tags_pkey PRIMARY KEY (tag, "position");


--
-- Name: events events_id; Type: CONSTRAINT; Schema: fixture_bank; Owner: -
--

ALTER TABLE ONLY fixture_bank.events
    ADD CONSTRAINT events_id UNIQUE (id);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: fixture_bank; Owner: -
--

ALTER TABLE ONLY fixture_bank.events
    ADD CONSTRAINT events_pkey PRIMARY KEY ("position");


--
-- Name: steps steps_pkey; Type: CONSTRAINT; Schema: fixture_bank; Owner: -
--

ALTER TABLE ONLY fixture_bank.steps
    ADD CONSTRAINT steps_pkey PRIMARY KEY (number);


--
-- Name: store store_pkey; Type: CONSTRAINT; Schema: fixture_bank; Owner: -
--

ALTER TABLE ONLY fixture_bank.store
    ADD CONSTRAINT store_pkey PRIMARY KEY (is_only);


--
-- Name: tracking tracking_pkey; Type: CONSTRAINT; Schema: fixture_bank; Owner: -
--

ALTER TABLE ONLY fixture_bank.tracking
    ADD CONSTRAINT tracking_pkey PRIMARY KEY (source);


--
-- Name: seats_v1_course_seats seats_v1_course_seats_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.seats_v1_course_seats
    ADD CONSTRAINT seats_v1_course_seats_pkey PRIMARY KEY (course);


--
-- Name: sillok_builds sillok_builds_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.sillok_builds
    ADD CONSTRAINT sillok_builds_pkey PRIMARY KEY (projection, version, build);


--
-- Name: sillok_checkpoints sillok_checkpoints_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.sillok_checkpoints
    ADD CONSTRAINT sillok_checkpoints_pkey PRIMARY KEY (projection, version, build, partition);


--
-- Name: sillok_dead_letters sillok_dead_letters_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.sillok_dead_letters
    ADD CONSTRAINT sillok_dead_letters_pkey PRIMARY KEY (projection, version, build, "position");


--
-- Name: sillok_marks sillok_marks_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.sillok_marks
    ADD CONSTRAINT sillok_marks_pkey PRIMARY KEY (projection, version, build, partition, "position");


--
-- Name: sillok_objectives sillok_objectives_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.sillok_objectives
    ADD CONSTRAINT sillok_objectives_pkey PRIMARY KEY (subject, objective);


--
-- Name: sillok_reactions sillok_reactions_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.sillok_reactions
    ADD CONSTRAINT sillok_reactions_pkey PRIMARY KEY (projection);


--
-- Name: sillok_snapshots sillok_snapshots_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.sillok_snapshots
    ADD CONSTRAINT sillok_snapshots_pkey PRIMARY KEY (decider, subject, "position");


--
-- Name: sillok_turn sillok_turn_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.sillok_turn
    ADD CONSTRAINT sillok_turn_pkey PRIMARY KEY (is_only);


--
-- Name: sillok_writers sillok_writers_pkey; Type: CONSTRAINT; Schema: fixture_seats; Owner: -
--

ALTER TABLE ONLY fixture_seats.sillok_writers
    ADD CONSTRAINT sillok_writers_pkey PRIMARY KEY (writer);


--
-- Name: sillok_dead_letters_sequence; Type: INDEX; Schema: fixture_balances; Owner: -
--

CREATE INDEX sillok_dead_letters_sequence ON fixture_balances.sillok_dead_letters USING btree (projection, version, build, sequence, "position");


--
-- Name: events_category; Type: INDEX; Schema: fixture_bank; Owner: -
--

CREATE INDEX events_category ON fixture_bank.events USING btree (category, "position") WHERE (category IS NOT NULL);


--
-- Name: events_stream; Type: INDEX; Schema: fixture_bank; Owner: -
--

CREATE UNIQUE INDEX events_stream ON fixture_bank.events USING btree (stream, revision) WHERE (stream IS NOT NULL);


--
-- Name: events_type; Type: INDEX; Schema: fixture_bank; Owner: -
--

CREATE INDEX events_type ON fixture_bank.events USING btree (type, "position");


--
-- Name: sillok_dead_letters_sequence; Type: INDEX; Schema: fixture_seats; Owner: -
--

CREATE INDEX sillok_dead_letters_sequence ON fixture_seats.sillok_dead_letters USING btree (projection, version, build, sequence, "position");


--
-- Name: event_tags refuse_change; Type: TRIGGER; Schema: fixture_bank; Owner: -
--

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON fixture_bank.event_tags FOR EACH STATEMENT EXECUTE FUNCTION fixture_bank.refuse_change();


--
-- Name: events refuse_change; Type: TRIGGER; Schema: fixture_bank; Owner: -
--

CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON fixture_bank.events FOR EACH STATEMENT EXECUTE FUNCTION fixture_bank.refuse_change();


--
-- PostgreSQL database dump complete
--


