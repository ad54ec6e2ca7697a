import Sillok
import Testing

/// Exercise 5: each time points are earned, the reason is stored from now on. Old events have none.
enum Solution5 {
    struct Points: Decider {
        enum Command: Sendable { case earn(points: Int, reason: String) }
        enum Event: Codable, Equatable, Sendable, EvolvingEvent {
            case earned(points: Int, reason: String)

            static let schema = EventSchema(
                versions: ["earned": 2],
                upcasters: [.change("earned", from: 1) { old in old.payload["reason"] = "unknown" }])
        }
        enum Refusal: Error { case notPositive }

        private(set) var reasons: [String: Int] = [:]

        func decide(_ command: Command) throws(Refusal) -> [Event] {
            guard case .earn(let points, let reason) = command, points > 0 else { throw .notPositive }
            return [.earned(points: points, reason: reason)]
        }

        mutating func evolve(_ event: Event) {
            switch event {
            case .earned(let points, let reason): reasons[reason, default: 0] += points
            }
        }
    }
}

@Suite struct Solution5Tests {
    @Test func `old events are read, and new events have a reason`() async throws {
        let store = MemoryEventStore()
        // The last release wrote this.
        try await store.append([EventData(type: "earned", text: #"{"points":5}"#)], to: "points-kim")
        let points = CommandHandler<Solution5.Points>("points", in: store)
        try await points.execute(.earn(points: 7, reason: "birthday"), on: "kim")
        #expect(try await points.state(of: "kim").state.reasons == ["unknown": 5, "birthday": 7])
        let stored = try await store.read(.stream("points-kim")).events.first?.payload
        #expect(stored == Array(#"{"points":5}"#.utf8))
    }
}
