#if Postgres
extension Step {
    /// The tables. `SCHEMA` stands for the name of the schema.
    ///
    ///   store       one row: the identity of the store, and the value before the first link of the hash chain. Its
    ///               lock is the turn to append.
    ///   events      position → the event: the log itself. Rows are only added at its end, in the order of commits.
    ///   event_tags  (tag, position): the events of each tag.
    ///   tracking    source → position: how far other logs have been consumed.
    ///
    /// Names are stored as text and compared byte by byte (`COLLATE "C"`). Values that nearly all events share are
    /// NULL: the content type of JSON, no tags, no metadata. `largest` is an upper bound of the bytes of any event, so
    /// that a page can be limited to a size.
    static let tables = Step(
        number: 1, name: "tables",
        statements: [
            """
            CREATE TABLE SCHEMA.store (
                id uuid NOT NULL, created bigint NOT NULL, genesis bytea NOT NULL, largest bigint NOT NULL DEFAULT 1024,
                is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only))
            """,
            """
            CREATE TABLE SCHEMA.events (
                position bigint PRIMARY KEY,
                revision bigint NOT NULL,
                recorded bigint NOT NULL,
                id uuid NOT NULL,
                stream text COLLATE "C",
                category text COLLATE "C" GENERATED ALWAYS AS (split_part(stream, '-', 1)) STORED,
                type text COLLATE "C" NOT NULL,
                content text COLLATE "C",
                source text COLLATE "C",
                tracked numeric(20),
                tags text[] COLLATE "C",
                metadata bytea,
                payload bytea NOT NULL,
                link bytea NOT NULL,
                CONSTRAINT events_id UNIQUE (id))
            """,
            """
            CREATE UNIQUE INDEX events_stream ON SCHEMA.events (stream, revision) WHERE stream IS NOT NULL
            """,
            """
            CREATE INDEX events_category ON SCHEMA.events (category, position) WHERE category IS NOT NULL
            """,
            "CREATE INDEX events_type ON SCHEMA.events (type, position)",
            """
            CREATE TABLE SCHEMA.event_tags (
                tag text COLLATE "C" NOT NULL, position bigint NOT NULL, PRIMARY KEY (tag, position))
            """,
            """
            CREATE TABLE SCHEMA.tracking (source text COLLATE "C" PRIMARY KEY, position numeric(20) NOT NULL)
            """,
            // Recorded events must not be changed, not even by their owner by accident.
            """
            CREATE FUNCTION SCHEMA.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'recorded events are not altered (% of %)', TG_OP, TG_TABLE_NAME
                    USING ERRCODE = 'insufficient_privilege';
            END $$
            """,
            """
            CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON SCHEMA.events
                FOR EACH STATEMENT EXECUTE FUNCTION SCHEMA.refuse_change()
            """,
            """
            CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON SCHEMA.event_tags
                FOR EACH STATEMENT EXECUTE FUNCTION SCHEMA.refuse_change()
            """,
        ])
}
#endif
