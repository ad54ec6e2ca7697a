import Sillok
import SillokCore
import SillokHistory
import SillokTesting
import Testing

/// A meter as the code had it, and as two others have it that are to be deployed.
private struct Meter: Decider, Encodable {
    enum Event: Codable, Sendable { case read(value: Int), reset }
    enum Command: Sendable { case read(Int), reset }
    typealias Refusal = Never
    var total = 0
    var last: Int?

    func decide(_ command: Command) throws(Never) -> [Event] {
        switch command {
        case .read(let value): [.read(value: value)]
        case .reset: [.reset]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .read(let value): (total, last) = (total + value, value)
        case .reset: total = 0
        }
    }
}

private struct EqualMeter: Decider, Encodable {
    enum Event: Codable, Sendable, EvolvingEvent {
        case read(kilowatts: Int), reset
        static let schema = EventSchema(
            versions: ["read": 2], upcasters: [.change("read", from: 1) { $0.payload.rename("value", to: "kilowatts") }]
        )
    }
    var total = 0
    var last: Int?
    var count = 0

    typealias Refusal = Never
    enum Command: Sendable { case nothing }
    func decide(_ command: Command) throws(Never) -> [Event] { [] }
    mutating func evolve(_ event: Event) {
        count += 1
        switch event {
        case .read(let value): (total, last) = (total + value, value)
        case .reset: total = 0
        }
    }
}

private struct OtherMeter: Decider, Encodable {
    enum Event: Codable, Sendable { case read(value: Int) }
    var total = 0
    var last: Int?

    typealias Refusal = Never
    enum Command: Sendable { case nothing }
    func decide(_ command: Command) throws(Never) -> [Event] { [] }
    mutating func evolve(_ event: Event) {
        if case .read(let value) = event { (total, last) = (total + value, value) }
    }
}

@Suite("checks of a log before a deployment")
struct LogCheckTests {
    private func store() async throws -> MemoryEventStore {
        let store = MemoryEventStore()
        let meters = CommandHandler<Meter>("meter", in: store)
        for key in 1...20 {
            for value in 1...key { try await meters.execute(.read(value), on: "\(key)") }
            if key.isMultiple(of: 5) { try await meters.execute(.reset, on: "\(key)") }
        }
        try await store.append([EventData(type: "elsewhere", text: "{}")], to: "other-1")
        return store
    }

    @Test("code that reads and folds as before is compatible, also when it knows more")
    func compatible() async throws {
        let store = try await store()
        let states = try await LogCheck<Meter>(in: store, category: "meter").keepStates(8)
        #expect(states.count == 8)
        #expect(try await LogCheck<Meter>(in: store, category: "meter").keepStates(8) == states)
        var steps: [String] = []
        let report = try await LogCheck<EqualMeter>(in: store, category: "meter")
            .run(against: states) { steps.append($0.step) }
        report.expectCompatible()
        #expect(report.isCompatible && report.states == 8 && report.differences.isEmpty)
        #expect(report.kinds.map(\.type) == ["read", "reset"] && report.kinds.map(\.count) == [210, 4])
        #expect(Set(steps) == ["events", "states"])
        // What comes later does not disturb.
        try await CommandHandler<Meter>("meter", in: store).execute(.read(1000), on: states[0].stream.key)
        #expect(try await LogCheck<EqualMeter>(in: store, category: "meter").run(against: states).isCompatible)
    }

    /// How many issues `body` records, which are expected.
    private func expectedIssues(_ body: () -> Void) -> Int {
        let count = Lock(0)
        withKnownIssue {
            body()
        } matching: { _ in
            count.withLock { $0 += 1 }
            return true
        }
        return count.withLock { $0 }
    }

    @Test("what cannot be read, and what folds otherwise, is named")
    func incompatible() async throws {
        let store = try await store()
        let states = try await LogCheck<Meter>(in: store, category: "meter").keepStates(20)
        let report = try await LogCheck<OtherMeter>(in: store, category: "meter").run(against: states)
        #expect(!report.isCompatible)
        let findings = expectedIssues { report.expectCompatible() }
        #expect(findings == 1 + report.differences.count)
        let reset = report.kinds.first { $0.type == "reset" }
        #expect(reset?.failures == 4 && reset?.firstFailure == 16 && reset?.reason?.contains("no case") == true)
        #expect(Set(report.differences.map(\.stream)) == ["meter-5", "meter-10", "meter-15", "meter-20"])
        var wrong = states
        wrong[0] = KeptState(stream: wrong[0].stream, revision: wrong[0].revision, state: #"{"total":-1,"was":1}"#)
        let other = try await LogCheck<Meter>(in: store, category: "meter").run(against: wrong)
        #expect(other.differences.count == 2 && other.differences.contains { $0.message == "was is gone, and was 1" })
        let beyond = [KeptState(stream: "meter-1", revision: 99, state: "{}")]
        let short = try await LogCheck<Meter>(in: store, category: "meter").run(against: beyond)
        #expect(short.differences.map(\.message) == ["the stream ends at revision 1"])
    }
}
