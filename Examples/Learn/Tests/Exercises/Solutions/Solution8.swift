import SillokProjections
import SillokSQLite
import Testing

/// Exercise 8: an event that cannot be projected. Its dead letter must be repaired without a loss, and with a reason.
enum Solution8 {
    struct Meters: Projection {
        enum Event: Codable, Sendable { case measured(units: Int) }

        let name = "meters"
        let version = 1
        let source = EventQuery.category("meter")
        let schema: [SQL] = ["CREATE TABLE \(table: "meters") (meter TEXT PRIMARY KEY, units BIGINT NOT NULL)"]

        func project(_ event: Recorded<Event>) -> [SQL] {
            guard let meter = event.stream?.key, case .measured(let units) = event.payload else { return [] }
            return [
                "INSERT INTO \(table: "meters") VALUES (\(meter), 0) ON CONFLICT (meter) DO NOTHING",
                "UPDATE \(table: "meters") SET units = units + \(units) WHERE meter = \(meter)",
            ]
        }
    }

    /// Repairs the dead letters of the meters. A payload `{"units":"12"}` means 12 units.
    static func repair(_ side: ReadSide, in store: any EventStore) async throws {
        let ada = Operator("Ada", because: "a meter has sent its units as a text")
        for letter in try await side.deadLetters(of: "meters") where letter.state == .failed {
            let (_, event) = try await side.deadLetter(of: "meters", at: letter.position)
            let digits = String(decoding: event.payload, as: UTF8.self).filter(\.isNumber)
            try await side.replace("meters", at: letter.position, with: #"{"units":\#(digits)}"#, by: ada)
        }
    }
}

@Suite struct Solution8Tests {
    @Test func `no unit is lost, and the order of a meter is kept`() async throws {
        let store = MemoryEventStore()
        let model = try SQLiteReadModel()
        for (meter, payload) in [
            ("1", #"{"units":10}"#), ("1", #"{"units":"12"}"#), ("1", #"{"units":3}"#), ("2", #"{"units":7}"#),
        ] {
            try await store.append([EventData(type: "measured", text: payload)], to: StreamID("meter", meter))
        }
        let options = ProjectorOptions(failures: .park(attempts: 1, pause: .zero, capacity: 100))
        let meters = Projector(Solution8.Meters(), from: store, into: model, options: options)
        try await meters.catchUp()
        let query: SQL = "SELECT units FROM meters ORDER BY meter"
        #expect(try await model.rows(query).map { $0["units"].integer } == [10, 7])

        try await Solution8.repair(meters.readSide, in: store)
        try await meters.catchUp()
        #expect(try await model.rows(query).map { $0["units"].integer } == [25, 7])
        #expect(try await meters.readSide.deadLetters().isEmpty)
        #expect(try await meters.readSide.audit().allSatisfy { !$0.reason.isEmpty })
        await model.close()
    }
}
