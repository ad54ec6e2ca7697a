#if Postgres
import SillokProjections
import SillokTesting
import Testing

@testable import SillokPostgres

/// Appends that were committed although the answer to their COMMIT is a failure.
@Suite("PostgreSQL: doubtful commits", .serialized, .enabled(if: TestServer.isThere))
struct DoubtfulCommitTests {
    /// An inline projection that has a checkpoint and nothing else.
    private struct Counted: Projection {
        enum Event: Codable, Sendable { case noted(String) }

        let name = "counted"
        let version = 1
        let source = EventQuery.category("account")
        let schema: [SQL] = ["CREATE TABLE \(table: "counted") (number BIGINT NOT NULL)"]

        func project(_ event: Recorded<Event>) throws -> [SQL] { [] }
    }

    /// Lets the server report a doubt about the next commit of events, which changes the database in another way too.
    private func doubt(_ schema: String, _ change: String) throws {
        try TestServer.run(
            """
            CREATE FUNCTION \(schema).doubt() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                \(change);
                RAISE WARNING 'no standby has answered';
                RETURN NULL;
            END $$
            """,
            """
            CREATE CONSTRAINT TRIGGER doubt AFTER INSERT ON \(schema).events DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION \(schema).doubt()
            """)
    }

    @Test("X1: an error of the store that arrives after a doubtful COMMIT is reported with an unknown outcome")
    func storeError() async throws {
        try await withStore { store in
            let (schema, views) = ("\"\(store.schema)\"", "\(store.schema)_views")
            let model = try await store.readModel(schema: views)
            try await Projector(Counted(), .inline, from: store, into: model).attach()
            // The next attempt finds a checkpoint that the log does not have.
            try doubt(schema, "UPDATE \"\(views)\".sillok_checkpoints SET position = position + 100")
            let error = await #expect(throws: AppendError.self) { try await store.append([note("1")], to: "a-1") }?
                .failure
            #expect(error?.code == .storeChanged && error?.outcome == .unknown, "\(String(describing: error))")
            #expect(try await store.head() == 1)
            await model.close()
            try TestServer.drop(views)
        }
    }

    @Test("X1: a failure of the server that arrives after a doubtful COMMIT is reported with an unknown outcome")
    func serverFailure() async throws {
        try await withStore { store in
            let schema = "\"\(store.schema)\""
            try doubt(schema, "DROP FUNCTION \(schema).append_group")
            let error = await #expect(throws: AppendError.self) { try await store.append([note("1")], to: "a-1") }?
                .failure
            #expect(error?.code == .notFound && error?.outcome == .unknown, "\(String(describing: error))")
            #expect(try await store.head() == 1)
        }
    }
}
#endif
