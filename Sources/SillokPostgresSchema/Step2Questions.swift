#if Postgres
extension Step {
    /// The functions that need more than one index lookup.
    ///
    ///   revision_at     the number of events of a stream at or before a position. Positions rise with revisions, so a
    ///                   binary search finds it.
    ///   recorded_until  the number of events that were recorded at or before a time. Times never decrease.
    ///   first_match     the first event after a position that one alternative of a query matches, or NULL.
    static let questions = Step(
        number: 2, name: "questions",
        statements: [
            """
            CREATE FUNCTION SCHEMA.revision_at(named text, bound bigint) RETURNS bigint
            LANGUAGE plpgsql STABLE AS $$
            DECLARE
                low bigint := 0;
                high bigint;
                middle bigint;
                place bigint;
            BEGIN
                SELECT e.revision, e.position INTO high, place FROM SCHEMA.events e
                    WHERE e.stream = named ORDER BY e.revision DESC LIMIT 1;
                IF high IS NULL OR place <= bound THEN RETURN coalesce(high, 0); END IF;
                SELECT e.revision INTO middle FROM SCHEMA.events e WHERE e.position = bound AND e.stream = named;
                IF FOUND THEN RETURN middle; END IF;
                WHILE high - low > 1 LOOP
                    middle := low + (high - low) / 2;
                    SELECT e.position INTO place FROM SCHEMA.events e
                        WHERE e.stream = named AND e.revision = middle;
                    IF place <= bound THEN low := middle; ELSE high := middle; END IF;
                END LOOP;
                RETURN low;
            END $$
            """,
            """
            CREATE FUNCTION SCHEMA.recorded_until(bound bigint, is_included boolean) RETURNS bigint
            LANGUAGE plpgsql STABLE AS $$
            DECLARE
                low bigint := 0;
                high bigint;
                middle bigint;
                found bigint;
            BEGIN
                SELECT coalesce(max(e.position), 0) INTO high FROM SCHEMA.events e;
                WHILE low < high LOOP
                    middle := low + (high - low + 1) / 2;
                    SELECT e.recorded INTO found FROM SCHEMA.events e WHERE e.position = middle;
                    IF found < bound OR (is_included AND found = bound) THEN
                        low := middle;
                    ELSE
                        high := middle - 1;
                    END IF;
                END LOOP;
                RETURN low;
            END $$
            """,
            """
            CREATE FUNCTION SCHEMA.first_match(
                a_stream text, a_category text, some_types text[], all_tags text[], after bigint) RETURNS bigint
            LANGUAGE plpgsql VOLATILE AS $$
            DECLARE
                found bigint;
                matches_all boolean := a_stream IS NULL AND a_category IS NULL AND some_types IS NULL;
            BEGIN
                IF all_tags IS NOT NULL THEN
                    SELECT t.position INTO found FROM SCHEMA.event_tags t
                        WHERE t.tag = all_tags[1] AND t.position > after
                        AND NOT EXISTS (SELECT FROM unnest(all_tags[2:]) AS other (tag) WHERE NOT EXISTS (
                            SELECT FROM SCHEMA.event_tags o WHERE o.tag = other.tag AND o.position = t.position))
                        AND (matches_all OR EXISTS (SELECT FROM SCHEMA.events e WHERE e.position = t.position
                            AND (a_stream IS NULL OR e.stream = a_stream)
                            AND (a_category IS NULL OR e.category = a_category)
                            AND (some_types IS NULL OR e.type = ANY (some_types))))
                        ORDER BY t.position LIMIT 1;
                ELSIF a_stream IS NOT NULL THEN
                    SELECT e.position INTO found FROM SCHEMA.events e
                        WHERE e.stream = a_stream AND e.revision > SCHEMA.revision_at(a_stream, after)
                        AND (a_category IS NULL OR e.category = a_category)
                        AND (some_types IS NULL OR e.type = ANY (some_types))
                        ORDER BY e.revision LIMIT 1;
                ELSIF a_category IS NOT NULL THEN
                    SELECT e.position INTO found FROM SCHEMA.events e
                        WHERE e.category = a_category AND e.position > after
                        AND (some_types IS NULL OR e.type = ANY (some_types))
                        ORDER BY e.position LIMIT 1;
                ELSIF some_types IS NOT NULL THEN
                    SELECT min(f.position) INTO found FROM unnest(some_types) AS wanted (type), LATERAL (
                        SELECT e.position FROM SCHEMA.events e
                        WHERE e.type = wanted.type AND e.position > after ORDER BY e.position LIMIT 1) AS f;
                ELSE
                    SELECT e.position INTO found FROM SCHEMA.events e WHERE e.position > after
                        ORDER BY e.position LIMIT 1;
                END IF;
                RETURN found;
            END $$
            """,
        ])
}
#endif
