#if Postgres
extension Step {
    /// Functions that search along the log within a number of steps. A step is one entry of an index.
    ///
    ///   matches_after   the positions of a query item's events in a range, in rising order.
    ///   matches_before  the same in falling order.
    ///   first_match     the first event after a position that an item with one part matches, or NULL.
    ///   judge           whether conditions hold: the first item that an event after its position matches.
    ///
    /// The parts of an item are lists of positions: a tag, a category, types, a stream. In each round the function
    /// looks how far the next entries of every list reach. The list that reaches furthest is the rarest one here, and
    /// only its entries are compared with the events. So an item costs as much as its rarest part, in any written
    /// order.
    ///
    /// The conditions on two columns are row comparisons: only the index on both can serve them, for every state of the
    /// statistics. Planner settings exclude the other plans.
    static let walks = Step(
        number: 6, name: "walks",
        statements: [
            matches(.forward), matches(.backward), firstMatch, judge, Step.allowed(like: "revision_at", walkers),
        ])

    static let walkers = ["matches_after", "matches_before", "first_match", "judge"]

    /// Grants functions to all roles that may execute another function.
    static func allowed(like known: String, _ functions: [String]) -> String {
        let names = functions.map { "SCHEMA.\($0)" }.joined(separator: ", ")
        return granted(
            "EXECUTE ON FUNCTION \(names)",
            to: """
                        FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a, pg_catalog.pg_roles r
                        WHERE p.oid = 'SCHEMA.\(known)'::regproc AND a.grantee = r.oid AND a.grantee <> p.proowner
                """)
    }

    /// Grants a right to all roles that have another one, because the roles may be older than what it is about.
    static func granted(_ right: String, to holders: String) -> String {
        """
        DO $$
        DECLARE
            allowed text;
        BEGIN
            FOR allowed IN SELECT quote_ident(r.rolname)
        \(holders)
            LOOP
                EXECUTE 'GRANT \(right) TO ' || allowed;
            END LOOP;
        END $$
        """
    }

    /// The SQL words that differ between a forward and a backward search.
    private struct Direction {
        let name, order, against, best, beyond, upTo: String
        /// The position that a list reaches when it has ended, and the bound of the next round.
        let end, bound, advance: String
        /// The revision after which a stream continues, the last revision of a round, and the revisions of the round.
        let base, last, revisions: String

        static let forward = Direction(
            name: "matches_after", order: "ASC", against: "DESC", best: "max", beyond: ">", upTo: "<=", end: "high - 1",
            bound: "low", advance: "low := stop", base: "low", last: "base + chunk",
            revisions: "e.revision > base AND e.revision <= base + chunk")
        static let backward = Direction(
            name: "matches_before", order: "DESC", against: "ASC", best: "min", beyond: "<", upTo: ">=", end: "low + 1",
            bound: "high", advance: "high := stop", base: "high - 1", last: "base - chunk + 1",
            revisions: "e.revision <= base AND e.revision > base - chunk")
    }

    /// The conditions that an event must meet for the parts of an item.
    private static let parts = """
        (a_stream IS NULL OR e.stream = a_stream) AND (a_category IS NULL OR e.category = a_category)
        AND (some_types IS NULL OR e.type = ANY (some_types)) AND (all_tags IS NULL OR e.tags @> all_tags)
        """

    private static let ofCategory = """
        ROW(e.category, e.position) > ROW(a_category, low) AND ROW(e.category, e.position) < ROW(a_category, high)
        AND e.category IS NOT NULL
        """

    private static let ofType = """
        ROW(e.type, e.position) > ROW(w.type, low) AND ROW(e.type, e.position) < ROW(w.type, high)
        """

    /// Returns a search. `reached` is NULL if it searched the whole range; `positions` has all matches up to it.
    private static func matches(_ way: Direction) -> String {
        """
        CREATE FUNCTION SCHEMA.\(way.name)(
            a_stream text, a_category text, some_types text[], all_tags text[], low bigint, high bigint, wanted bigint,
            budget bigint, OUT positions bigint[], OUT reached bigint, OUT steps bigint)
        LANGUAGE plpgsql VOLATILE
        SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
        SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
        AS $$
        DECLARE
            \(variables)
        BEGIN
            positions := '{}';
            steps := 0;
            WHILE low < high - 1 LOOP
                driver := NULL;
        \(streamList(way))
        \(otherLists(way))
        \(tagLists(way))
        \(candidates(way))
                steps := steps + fewest;
                IF cardinality(positions) >= wanted THEN
                    reached := positions[cardinality(positions)];
                    RETURN;
                END IF;
                \(way.advance);
                EXIT WHEN stop = \(way.end);
                IF steps >= budget THEN
                    reached := stop;
                    RETURN;
                END IF;
                chunk := least(chunk * 2, 2048, greatest(16, (budget - steps) / lists));
            END LOOP;
        END $$
        """
    }

    private static let variables = """
        chunk bigint := 16; driver text; driving_tag text; a_tag text; stop bigint; place bigint; entries bigint;
        visited bigint; fewest bigint; base bigint;
        lists bigint := 4 + coalesce(cardinality(all_tags), 0) + coalesce(cardinality(some_types), 0);
        """

    private static func streamList(_ way: Direction) -> String {
        """
                IF a_stream IS NOT NULL THEN
                    base := SCHEMA.revision_at(a_stream, \(way.base));
                    SELECT e.position INTO place FROM SCHEMA.events e
                        WHERE e.stream = a_stream AND e.revision = \(way.last);
                    entries := CASE WHEN place IS NULL THEN chunk - 1 ELSE chunk END;
                    driver := 'stream';
                    stop := coalesce(place, \(way.end));
                    fewest := entries;
                    steps := steps + 8;
                END IF;
        """
    }

    /// Finds how far the next entries of the lists reach.
    private static func otherLists(_ way: Direction) -> String {
        """
                IF a_category IS NOT NULL THEN
                    SELECT count(*), \(way.best)(c.position) INTO entries, place FROM (
                        SELECT e.position FROM SCHEMA.events e WHERE \(ofCategory)
                        ORDER BY e.category \(way.order), e.position \(way.order) LIMIT chunk) c;
                    steps := steps + entries + 1;
        \(driver("category", way))
                END IF;
                IF some_types IS NOT NULL THEN
                    SELECT count(*), (array_agg(c.position ORDER BY c.position \(way.order)))[chunk] INTO visited, place
                        FROM unnest(some_types) AS w (type), LATERAL (
                            SELECT e.position FROM SCHEMA.events e WHERE \(ofType)
                            ORDER BY e.type \(way.order), e.position \(way.order) LIMIT chunk) c;
                    entries := least(visited, chunk);
                    steps := steps + visited + cardinality(some_types);
        \(driver("types", way))
                END IF;
        """
    }

    /// Makes a list the driver if it reaches further than the lists before it.
    private static func driver(_ name: String, _ way: Direction) -> String {
        """
                    EXIT WHEN entries = 0;
                    IF entries < chunk THEN place := \(way.end); END IF;
                    IF driver IS NULL OR place \(way.beyond) stop OR (place = stop AND entries < fewest) THEN
                        driver := '\(name)';
                        stop := place;
                        fewest := entries;
                    END IF;
        """
    }

    private static func tagLists(_ way: Direction) -> String {
        """
                IF all_tags IS NOT NULL THEN
                    SELECT w.tag, l.entries, l.place, sum(l.entries) OVER () INTO a_tag, entries, place, visited
                        FROM unnest(all_tags) AS w (tag), LATERAL (
                            SELECT count(*) AS entries,
                                CASE WHEN count(*) < chunk THEN \(way.end) ELSE \(way.best)(c.position) END AS place
                            FROM (SELECT t.position FROM SCHEMA.event_tags t
                                WHERE t.tag = w.tag AND t.position > low AND t.position < high
                                ORDER BY t.position \(way.order) LIMIT chunk) c) l
                        ORDER BY l.place \(way.against), l.entries LIMIT 1;
                    steps := steps + visited + cardinality(all_tags);
                    EXIT WHEN entries = 0;
                    IF driver IS NULL OR place \(way.beyond) stop OR (place = stop AND entries < fewest) THEN
                        driver := 'tag';
                        driving_tag := a_tag;
                        stop := place;
                        fewest := entries;
                    END IF;
                END IF;
        """
    }

    /// Compares the entries of the rarest list with the events.
    private static func candidates(_ way: Direction) -> String {
        let room = "LIMIT wanted - cardinality(positions)"
        return """
                    IF driver = 'tag' THEN
                        positions := positions || ARRAY(SELECT t.position FROM SCHEMA.event_tags t
                            JOIN SCHEMA.events e ON e.position = t.position WHERE t.tag = driving_tag
                            AND t.position > low AND t.position < high AND t.position \(way.upTo) stop AND \(parts)
                            ORDER BY t.position \(way.order) \(room));
                    ELSIF driver = 'category' THEN
                        positions := positions || ARRAY(SELECT e.position FROM SCHEMA.events e
                            WHERE \(ofCategory) AND e.position \(way.upTo) stop AND \(parts)
                            ORDER BY e.category \(way.order), e.position \(way.order) \(room));
                    ELSIF driver = 'types' THEN
                        positions := positions || ARRAY(SELECT c.position
                            FROM unnest(some_types) AS w (type), LATERAL (SELECT e.position FROM SCHEMA.events e
                                WHERE \(ofType) AND e.position \(way.upTo) stop AND \(parts)
                                ORDER BY e.type \(way.order), e.position \(way.order) \(room)) c
                            ORDER BY c.position \(way.order) \(room));
                    ELSIF driver = 'stream' THEN
                        positions := positions || ARRAY(SELECT e.position FROM SCHEMA.events e
                            WHERE e.stream = a_stream AND \(way.revisions)
                            AND e.position > low AND e.position < high AND e.position \(way.upTo) stop AND \(parts)
                            ORDER BY e.revision \(way.order) \(room));
                    ELSE
                        stop := \(way.end);
                        positions := ARRAY(SELECT e.position FROM SCHEMA.events e
                            WHERE e.position > low AND e.position < high ORDER BY e.position \(way.order) \(room));
                        fewest := cardinality(positions);
                    END IF;
            """
    }

    private static let firstMatch = """
        CREATE OR REPLACE FUNCTION SCHEMA.first_match(
            a_stream text, a_category text, some_types text[], all_tags text[], after bigint) RETURNS bigint
        LANGUAGE plpgsql VOLATILE AS $$
        DECLARE
            found bigint;
        BEGIN
            IF all_tags IS NOT NULL THEN
                SELECT t.position INTO found FROM SCHEMA.event_tags t WHERE t.tag = all_tags[1] AND t.position > after
                    ORDER BY t.position LIMIT 1;
            ELSIF a_stream IS NOT NULL THEN
                SELECT e.position INTO found FROM SCHEMA.events e
                    WHERE e.stream = a_stream AND e.revision > SCHEMA.revision_at(a_stream, after)
                    ORDER BY e.revision LIMIT 1;
            ELSIF a_category IS NOT NULL THEN
                SELECT e.position INTO found FROM SCHEMA.events e
                    WHERE ROW(e.category, e.position) > ROW(a_category, after)
                    AND ROW(e.category, e.position) <= ROW(a_category, 9223372036854775807)
                    AND e.category IS NOT NULL ORDER BY e.category, e.position LIMIT 1;
            ELSIF some_types IS NOT NULL THEN
                SELECT min(f.position) INTO found FROM unnest(some_types) AS wanted (type), LATERAL (
                    SELECT e.position FROM SCHEMA.events e WHERE ROW(e.type, e.position) > ROW(wanted.type, after)
                    AND ROW(e.type, e.position) <= ROW(wanted.type, 9223372036854775807)
                    ORDER BY e.type, e.position LIMIT 1) AS f;
            ELSE
                SELECT e.position INTO found FROM SCHEMA.events e WHERE e.position > after
                    ORDER BY e.position LIMIT 1;
            END IF;
            RETURN found;
        END $$
        """

    /// `item` is 0 when no event after `sinces` matches; otherwise it is the item, and `match` has the position. A NULL
    /// position means that the budget did not suffice for the item.
    private static let judge = """
        CREATE FUNCTION SCHEMA.judge(
            streams text[], categories text[], types text[], tags text[], sinces bigint[], last bigint, budget bigint,
            OUT item int, OUT match bigint, OUT steps bigint)
        LANGUAGE plpgsql VOLATILE AS $$
        DECLARE
            some_types text[];
            all_tags text[];
            walk record;
        BEGIN
            steps := 0;
            FOR i IN 1 .. cardinality(sinces) LOOP
                item := i;
                CONTINUE WHEN sinces[i] >= last;
                IF steps >= budget THEN RETURN; END IF;
                some_types := string_to_array(types[i], E'\\x01');
                all_tags := string_to_array(tags[i], E'\\x01');
                IF num_nonnulls(streams[i], categories[i], types[i]) + coalesce(cardinality(all_tags), 0) < 2 THEN
                    match := SCHEMA.first_match(streams[i], categories[i], some_types, all_tags, sinces[i]);
                    steps := steps + 2 + coalesce(cardinality(some_types), 0);
                    IF match <= last THEN RETURN; END IF;
                    match := NULL;
                ELSE
                    SELECT * INTO walk FROM SCHEMA.matches_after(streams[i], categories[i], some_types, all_tags,
                        sinces[i], last + 1, 1, budget - steps);
                    steps := steps + walk.steps + 8;
                    match := walk.positions[1];
                    IF walk.reached IS NOT NULL THEN RETURN; END IF;
                END IF;
            END LOOP;
            item := 0;
        END $$
        """
}
#endif
