import SillokHistory
import SillokProjections
import SillokSQLite
import Testing

@Suite struct PastModelTests {
    private struct Totals: Projection {
        enum Event: Codable, Sendable { case added(cents: Int) }

        let name = "totals"
        let version = 1
        let source = EventQuery.category("account")
        let schema: [SQL] = ["CREATE TABLE \(table: "totals") (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"]

        func project(_ event: Recorded<Event>) -> [SQL] {
            guard case .added(let cents) = event.payload else { return [] }
            return [
                """
                INSERT INTO \(table: "totals") AS t VALUES (\(event.stream), \(cents))
                ON CONFLICT (account) DO UPDATE SET cents = t.cents + excluded.cents
                """
            ]
        }
    }

    private let rows: SQL = "SELECT account, cents FROM totals ORDER BY account"

    @Test(arguments: Storage.stores)
    func `a read model as of a position is that of a log which ends there, and goes on to a later one`(
        on storage: Storage
    )
        async throws
    {
        let place = Place(storage)
        let store = try await place.store()
        let going = try await place.freshModel()
        for number in 1...60 {
            let event = EventData(type: "added", text: "{\"cents\":\(number)}")
            try await store.append([event], to: number % 4 == 0 ? "other-1" : "account-\(number % 3)")
        }
        for position in [Position(0), 1, 7, 8, 33, 60] {
            let short = MemoryEventStore(id: try await store.storeID())
            for event in try await store.read(.all).events where event.position <= position {
                try await short.append([event.data], to: event.stream)
            }
            let expected = try await place.freshModel()
            try await Projector(Totals(), .live, from: short, into: expected).catchUp()
            let past = try await store.past(at: position)
            let told = Lock<[Position]>([])
            let fresh = try await past.model(of: Totals(), in: place.freshModel()) { done, _ in
                told.withLock { $0.append(done) }
            }
            let then = try await expected.rows(rows)
            #expect(try await fresh.rows(rows) == then)
            #expect(try await past.model(of: Totals(), in: going).rows(rows) == then)
            #expect(told.withLock { $0.last ?? .start } == position)
            for model in [expected, fresh] { await model.close() }
        }
        await going.close()
        await store.close()
    }
}
