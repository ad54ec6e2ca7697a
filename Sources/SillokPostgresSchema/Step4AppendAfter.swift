#if Postgres
extension Step {
    /// Records events that the client has prepared: with their revisions, times and links, after a head that it knows.
    ///
    /// It stores all of them if the log ends with exactly that link, and nothing otherwise. A link determines all
    /// events before it, so the conclusions of the client hold. Two checks are left to the unique indexes: they reject
    /// a known id, and the first event of a stream that exists.
    ///
    /// It has few expressions, because PL/pgSQL prepares each of them again in each transaction, which took longer than
    /// storing the rows. Roles that may execute `append` may execute `append_after`, also if they are older.
    static let appendAfter = Step(
        number: 4, name: "append after",
        statements: [preparedAppend, allowed(like: "append", ["append_after"])])

    static let preparedAppend = """
        CREATE FUNCTION SCHEMA.append_after(
            head bigint, link bytea, ids uuid[], streams text[], revisions bigint[], types text[], contents text[],
            times bigint[], tags text[], metadata bytea[], payloads bytea[], links bytea[], size bigint,
            OUT is_stored boolean)
        LANGUAGE plpgsql VOLATILE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
        AS $$
        BEGIN
            PERFORM CASE current_setting('synchronous_commit') WHEN 'off'
                THEN set_config('synchronous_commit', 'on', true) END FROM SCHEMA.store FOR UPDATE;
            INSERT INTO SCHEMA.events (
                position, id, stream, revision, type, content, recorded, tags, metadata, payload, link)
            SELECT append_after.head + n.number, n.id, n.stream, n.revision, n.type, n.content, n.recorded,
                string_to_array(n.tags, E'\\x01'), n.metadata, n.payload, n.link
            FROM unnest(ids, streams, revisions, types, contents, times, tags, metadata, payloads, links)
                WITH ORDINALITY AS n (
                    id, stream, revision, type, content, recorded, tags, metadata, payload, link, number)
            WHERE (SELECT e.position = append_after.head AND e.link = append_after.link AND e.recorded <= times[1]
                FROM SCHEMA.events e ORDER BY e.position DESC LIMIT 1);
            is_stored := FOUND;
            IF is_stored THEN
                IF tags IS NOT NULL THEN
                    INSERT INTO SCHEMA.event_tags SELECT DISTINCT t.tag, append_after.head + n.number
                    FROM unnest(tags) WITH ORDINALITY AS n (tags, number),
                        unnest(string_to_array(n.tags, E'\\x01')) AS t (tag);
                END IF;
                IF size IS NOT NULL THEN
                    UPDATE SCHEMA.store SET largest = greatest(size, largest * 2) WHERE largest < size;
                END IF;
                PERFORM pg_notify(CHANNEL, (append_after.head + cardinality(ids))::text);
            END IF;
        END $$
        """
}
#endif
