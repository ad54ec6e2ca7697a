#if Postgres
import Sillok
import SillokTesting
import Testing

@testable import SillokPostgres

/// Appends that the writer has prepared: one statement without BEGIN and COMMIT, while no other process appends.
@Suite("PostgreSQL: prepared appends", .enabled(if: TestServer.isThere))
struct PreparedAppendTests {
    @Test(
        "a server whose default transaction is another one stores appends as before",
        arguments: ["default_transaction_isolation%3Dserializable", "default_transaction_read_only%3Don"])
    func otherDefaults(_ setting: String) async throws {
        let schema = TestServer.freshSchema()
        try await PostgresEventStore(TestServer.connection, schema: schema).close()
        let address = "\(TestServer.connection)&options=-c%20\(setting)&target_session_attrs=any"
        let store = try await PostgresEventStore(address, schema: schema, mode: .existing)
        for number in 0..<20 {
            let seen = Revision(UInt64(number))
            let receipt = try await store.append([note("\(number)")], to: "a-1", if: .revision(seen, of: "a-1"))
            #expect(receipt.position == Position(UInt64(number + 1)))
        }
        await store.close()
        try TestServer.drop(schema)
    }

    @Test("an append that fails at its commit is rejected, definitely, and the next one is stored")
    func failureAtCommit() async throws {
        try await withStore { store in
            try TestServer.run(
                "CREATE FUNCTION \"\(store.schema)\".late() RETURNS trigger LANGUAGE plpgsql AS "
                    + "$$ BEGIN IF NEW.type = 'late' THEN RAISE EXCEPTION 'too late'; END IF; RETURN NULL; END $$",
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON \"\(store.schema)\".events "
                    + "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION \"\(store.schema)\".late()")
            for number in 0..<6 {
                try await store.append([note("\(number)")], to: "a-1")
                let error = await #expect(throws: AppendError.self) {
                    try await store.append([EventData(type: "late", text: "1")], to: "a-1")
                }
                guard case .failed(let failure)? = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect(failure.outcome == .definite && failure.message.contains("too late"), "\(failure)")
            }
            #expect(try await store.head() == 6)
            #expect(try await store.verify().findings.isEmpty)
        }
    }

    @Test("the events of one append may alternate between streams")
    func alternatingStreams() async throws {
        try await withStore { store in
            let streams: [StreamID?] = ["a-1", "b-1", "a-1", nil, nil, "a-1", "b-1", nil, "c-1"]
            for round in 1...4 {
                let entries = streams.map { AppendRequest.Entry(stream: $0, event: note("\(round)")) }
                let expected: [StreamID: Revision] = [
                    "a-1": Revision(UInt64(3 * round)), "b-1": Revision(UInt64(2 * round)),
                    "c-1": Revision(UInt64(round)),
                ]
                #expect(try await store.append(AppendRequest(entries)).revisions == expected)
            }
            let page = try await store.read(ReadRequest(.stream("a-1")))
            #expect(page.events.map(\.revision.value) == Array(1...12))
            #expect(try await store.verify().findings.isEmpty)
        }
    }

    @Test("a page shows damage in one of its rows, and the connection continues")
    func damagedRow() async throws {
        try await withStore { store in
            for number in 1...30 { try await store.append([note("\(number)")], to: "a-1") }
            try TestServer.run(
                "ALTER TABLE \"\(store.schema)\".events DISABLE TRIGGER ALL",
                "UPDATE \"\(store.schema)\".events SET metadata = '\\x05' WHERE position = 7")
            let error = await #expect(throws: StoreError.self) { try await store.read(ReadRequest(.all)) }
            #expect(error?.code == .corrupt && error?.message.contains("position 7") == true)
            #expect(try await store.read(ReadRequest(after: .position(7))).events.count == 23)
        }
    }
}
#endif
