import SillokSQL
#if Postgres
import Sillok
import Testing

@testable import SillokPostgres

@Suite("PostgreSQL: roles", .serialized, .enabled(if: TestServer.isThere))
struct RolesTests {
    @Test func `each role may do its part and no more`() async throws {
        try await withStore { store in
            let schema = store.schema
            let model = "\(schema)_views"
            let parts = ["reader", "writer", "projector"]
            for statement in PostgresRoles(schema: schema, readModel: model).statements {
                try TestServer.run(statement)
            }
            for part in parts {
                try TestServer.run(
                    "CREATE ROLE \"\(part)_\(schema)\" LOGIN", "GRANT \"\(schema)_\(part)\" TO \"\(part)_\(schema)\"")
            }
            func connection(_ part: String) -> String {
                TestServer.connection.replacing("user=sillok", with: "user=\(part)_\(schema)")
            }
            try await store.append([note("1")], to: "a-1")

            let writer = try await PostgresEventStore(connection("writer"), schema: schema)
            #expect(try await writer.append([note("2")], to: "a-1", if: .revision(1, of: "a-1")).position == 2)
            #expect(try await writer.read(.stream("a-1")).events.count == 2)
            let reader = try await PostgresEventStore(connection("reader"), schema: schema, mode: .existing)
            #expect(try await reader.read(.all).events.count == 2)
            let refused = await #expect(throws: AppendError.self) { try await reader.append([note("3")]) }?.failure
            #expect(refused?.code == .readOnly && refused?.outcome == .definite)

            for part in parts {
                for sql in ["INSERT INTO %.tracking VALUES ('x', 1)", "DELETE FROM %.events", "DROP TABLE %.events"] {
                    let failure = #expect(throws: PostgresFailure.self) {
                        try TestServer.run(sql.replacing("%", with: "\"\(schema)\""), at: connection(part))
                    }
                    #expect(failure?.state == "42501")
                }
            }
            let views = try await PostgresReadModel(connection("projector"), schema: model)
            try await views.write(.init([.init("CREATE TABLE t (n BIGINT)"), .init("INSERT INTO t VALUES (\(1))")]))
            #expect(try await views.rows("SELECT n FROM t").map(\.values) == [[1]])
            await #expect(throws: StoreError.self) {
                _ = try await PostgresReadModel(connection("reader"), schema: "\(schema)_other")
            }

            for opened in [writer, reader] { await opened.close() }
            await views.close()
            try TestServer.drop(model)
            for part in parts {
                for role in ["\(part)_\(schema)", "\(schema)_\(part)"] {
                    try TestServer.run("DROP OWNED BY \"\(role)\" CASCADE", "DROP ROLE \"\(role)\"")
                }
            }
        }
    }
}
#endif
