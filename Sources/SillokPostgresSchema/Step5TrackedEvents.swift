#if Postgres
extension Step {
    /// Stores the id of the foreign event with the progress in another log, if the consumer gave it.
    ///
    /// `append` moves only the position, so the id counts only while `event_position` is that position. `note_tracked`
    /// is called after it in the same transaction, with the first event of each append. It stores nothing for rejected
    /// appends.
    static let trackedEvents = Step(
        number: 5, name: "tracked events",
        statements: [
            "ALTER TABLE SCHEMA.tracking ADD COLUMN event uuid, ADD COLUMN event_position numeric(20)",
            """
            CREATE FUNCTION SCHEMA.note_tracked(
                sources text[], positions numeric[], events uuid[], firsts uuid[]) RETURNS void
            LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
            AS $$
                UPDATE SCHEMA.tracking t SET event = n.event, event_position = n.position
                FROM unnest(sources, positions, events, firsts) AS n (source, position, event, first)
                WHERE t.source = n.source AND t.position = n.position AND EXISTS (SELECT FROM SCHEMA.events e
                    WHERE e.id = n.first AND e.source = n.source AND e.tracked = n.position)
            $$
            """,
            allowed(like: "append", ["note_tracked"]),
        ])
}
#endif
