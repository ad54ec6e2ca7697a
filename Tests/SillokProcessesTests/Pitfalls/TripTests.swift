import Sillok
import SillokCore
import SillokProcesses
import SillokSQLite
import SillokTesting
import Testing

/// Six bookings, one after the other, each with its undo.
private struct Trip: ProcessManager {
    enum Event: Codable, Sendable { case planned }
    enum Request: Codable, Sendable { case none }
    enum Effect: Codable, Hashable, Sendable { case book(Int), cancel(Int) }
    enum Deadline: Codable, Sendable { case none }

    static let name = "trip"
    static let source = EventQuery.category("tour")

    static func correlate(_ event: Recorded<Event>) -> Correlation { .starts(event.stream?.key ?? "") }

    mutating func evolve(_ input: Input) {}

    func react(to input: Input) -> [Step] {
        switch input {
        case .event: [Self.booking(1)]
        case .effect(.book(6), .done): [.complete]
        case .effect(.book(let number), .done): [Self.booking(number + 1)]
        case .effect(.book, .failed(let reason)): [.compensate(reason), .complete]
        default: []
        }
    }

    private static func booking(_ number: Int) -> Step { .perform(.book(number), undo: .cancel(number)) }
}

/// The other side: it refuses one booking, and is down for the first call of each cancellation.
private final class Desk: Sendable {
    struct Down: Error {}
    private struct State {
        var done: [Trip.Effect] = []
        var keys: Set<String> = []
        var tried: Set<String> = []
    }

    private let state = Lock(State())
    private let refused: Int

    init(refusing number: Int) { refused = number }

    var done: [Trip.Effect] { state.withLock { $0.done } }

    func call(_ effect: Trip.Effect, _ key: String) throws -> String {
        try state.withLock { state in
            if effect == .book(refused) { throw EffectFailed("full") }
            if case .cancel = effect, state.tried.insert(key).inserted { throw Down() }
            if state.keys.insert(key).inserted { state.done.append(effect) }
            return "done"
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct TripTests {
    private func runner(
        _ store: any EventStore, _ model: SQLiteReadModel, _ desk: Desk
    ) -> ProcessRunner<Trip> {
        ProcessRunner(Trip.self, after: .start, in: store, index: model, options: World.options) { _ in
            .execute(.confirm, on: "none", with: CommandHandler<Outcome>("outcome", in: store))
        } effects: { effect in
            EffectCall(policy: World.policy) { try desk.call(effect, $0.idempotencyKey) }
        }
    }

    /// Runs until the trip is undone, and once more for what must not follow.
    private func settle(_ runner: ProcessRunner<Trip>, _ store: any EventStore, _ clock: ManualClock) async throws {
        for _ in 0..<40 {
            try await runner.catchUp()
            clock.advance(by: .seconds(3))
            let records = try await store.read(.stream(Trip.stream(of: "1"))).events
            if records.contains(where: { $0.type == "compensationEnded" }) { break }
        }
        try await runner.catchUp()
    }

    /// Each refused step with a crash before the append, and the last step with a crash at every other moment.
    private static let cases =
        (1...6).map { ($0, CrashingStore.Moment.allCases[0]) }
        + CrashingStore.Moment.allCases.dropFirst().map { (6, $0) }

    @Test(
        "PRC-23: a failure at each of six steps, and a crash at each append: undone once, the last first",
        arguments: cases)
    func everyStep(refused: Int, moment: CrashingStore.Moment) async throws {
        var number = 0
        while true {
            number += 1
            let clock = ManualClock()
            let store = MemoryEventStore(clock: clock.wallClock)
            let (model, desk) = (try SQLiteReadModel(), Desk(refusing: refused))
            let planned = try EventCoding<Trip.Event>().encode(.planned)
            try await store.append([planned], to: "tour-1")
            let crashing = CrashingStore(store, atAppend: number, moment)
            try? await settle(runner(crashing, model, desk), store, clock)
            clock.advance(by: .seconds(10))
            try await settle(runner(store, model, desk), store, clock)
            let booked = (1..<refused).map { Trip.Effect.book($0) }
            let undone = (1..<refused).reversed().map { Trip.Effect.cancel($0) }
            #expect(desk.done == booked + undone, "step \(refused), a crash \(moment) at append \(number)")
            if !crashing.hasCrashed || number > 100 { break }
        }
        #expect((4...100).contains(number))
    }
}
