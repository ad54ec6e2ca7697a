#if Postgres
import Sillok
import SillokCore
import SillokIndex
import SillokTesting
import Testing

@testable import SillokPostgres

/// W8 and C6: what appends of one group have to do with one another.
@Suite("PostgreSQL: groups", .serialized, .enabled(if: TestServer.isThere))
struct GroupTests {
    private func append(
        _ number: Int, types: [EventType] = ["noted"], tags: [EventTag], if condition: AppendCondition
    ) -> PreparedAppend {
        let event = EventData(type: types[0], tags: tags, text: "\(number)")
        return PreparedAppend(AppendRequest([.init(stream: nil, event: event)], if: condition))
    }

    @Test("W8: 4,000 conditions of a group are compared with few of its events")
    func comparisons() {
        // Each asks for its own tag, and for one that all have together with its own.
        let own = (0..<4000).map { number in
            append(
                number, tags: ["all", "own:\(number)"],
                if: .absent(.tags("own:\(number)").or(.tags("all", "own:\(number)"))))
        }
        let watches = GroupWatches(own)
        #expect(watches.conditions.count == 8000 && watches.hits.isEmpty && watches.comparisons <= 8000)
        // All ask for the same.
        let same = GroupWatches((0..<4000).map { append($0, tags: ["all"], if: .absent(.tags("all"))) })
        #expect(same.items.count == 1 && same.hits.count == 3999 && same.comparisons <= 4000)
    }

    @Test("W8: the events of a group break the conditions after them")
    func outcomes() async throws {
        try await withStore { store in
            try await store.append([note("1")])
            let writer = writer(store)
            let tags: [EventTag] = ["a", "b", "c", "d"]
            let group = (0..<40).map { append($0, tags: [tags[$0 % 4]], if: .absent(.tags(tags[$0 % 4]))) }
            let verdicts = try verdicts(writer, group)
            #expect(verdicts.map(isStored) == (0..<40).map { $0 < 4 })
        }
    }

    @Test("W8: a group with too many comparisons is divided")
    func divided() async throws {
        try await withStore { store in
            try await store.append([note("1")])
            // Every event matches every condition, and no two conditions are equal.
            let group = (0..<600).map { number in
                append(number, tags: ["all"], if: .absent(.types("noted", "own\(number)").or(.tags("own:\(number)"))))
            }
            #expect(
                GroupWatches(group).isTooLarge && GroupWatches(group).comparisons <= GroupWatches.mostComparisons + 1)
            let since = group.map { append in
                var append = append
                append.condition.heldThrough = 1
                return append
            }
            #expect(try verdicts(writer(store), since).map(isStored) == (0..<600).map { $0 == 0 })
        }
    }

    @Test("C6: an append that the database refuses fails alone")
    func refusedAlone() async throws {
        try await withStore { store in
            try await store.append([note("1")])
            try TestServer.run("ALTER TABLE \"\(store.schema)\".events ADD CHECK (type <> 'bad')")
            let group = (0..<60).map { number in
                append(number, types: [number % 10 == 3 ? "bad" : "noted"], tags: [], if: .always)
            }
            let answers = writer(store).carryOut(group.map { .append($0) })
            for (number, answer) in answers.enumerated() {
                switch answer {
                case .success: #expect(number % 10 != 3)
                case .failure(let error):
                    #expect(number % 10 == 3 && (error as? StoreError)?.outcome == .definite)
                    #expect("\(error)".contains("23514"))
                }
            }
            #expect(try await store.head() == 55)
            #expect(try await store.verify().findings.isEmpty)
        }
    }

    @Test("C6: a database that cannot keep every text is refused, and nothing is made in it")
    func encoding() async throws {
        let database = TestServer.freshSchema("latin")
        try TestServer.run(
            "CREATE DATABASE \(database) ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        let connection = TestServer.connection.replacing("/postgres?", with: "/\(database)?")
        let store = await #expect(throws: StoreError.self) { try await PostgresEventStore(connection) }
        let model = await #expect(throws: StoreError.self) { try await PostgresReadModel(connection) }
        for error in [store, model] {
            #expect(error?.code == .unsupportedFormat)
            #expect(error?.message.contains("LATIN1") == true && error?.message.contains("ENCODING 'UTF8'") == true)
        }
        let schemas = "SELECT FROM pg_namespace WHERE nspname IN ('sillok', 'read_model')"
        #expect(try TestServer.run(schemas, at: connection).count == 0)
        try TestServer.run("DROP DATABASE \(database)")
    }

    private func writer(_ store: PostgresEventStore) -> Writer {
        let session = Session(
            ServerAddress(text: TestServer.connection, schema: store.schema), for: .writing, timeout: .seconds(15))
        return Writer(session, limits: Limits(), clock: .system)
    }

    private func verdicts(_ writer: Writer, _ group: [PreparedAppend]) throws -> [Verdict] {
        try writer.carryOut(group.map { .append($0) }).map { answer in
            guard case .judged(let verdict) = try answer.get() else { throw AppendAnswers.unreadable }
            return verdict
        }
    }

    private func isStored(_ verdict: Verdict) -> Bool {
        if case .stored = verdict.status { true } else { false }
    }
}
#endif
