import Sillok
import SillokCore
@testable import SillokProcessMachine
@testable import SillokProcesses
import SillokSQLite
import SillokTesting
import Testing

/// The checkout of the next release: it gives a new kind of request, effect and deadline to the orders that it starts.
private struct NextCheckout: ProcessManager {
    typealias Event = ShopEvent
    enum Request: Codable, Sendable { case thank(order: String) }
    enum Effect: Codable, Sendable { case greet(order: String) }
    enum Deadline: Codable, Sendable { case farewell }

    static let name = Checkout.name
    static let version = 2
    static let source = Checkout.source

    static func correlate(_ event: Recorded<ShopEvent>) -> Correlation { Checkout.correlate(event) }

    mutating func evolve(_ input: Input) {}

    func react(to input: Input) -> [Step] {
        guard case .event(let event) = input, case .placed = event.payload else { return [] }
        let order = event.stream?.key ?? ""
        return [
            .request(.thank(order: order)), .perform(.greet(order: order)),
            .schedule(.farewell, after: .seconds(60)),
        ]
    }
}

/// The checkout of the next release, whose orders have an hour to be paid.
private struct PatientCheckout: ProcessManager {
    typealias Event = ShopEvent
    typealias Request = Checkout.Request
    typealias Effect = Checkout.Effect
    typealias Deadline = Checkout.Deadline

    static let name = Checkout.name
    static let version = 2
    static let source = Checkout.source

    var old = Checkout()

    static func correlate(_ event: Recorded<ShopEvent>) -> Correlation { Checkout.correlate(event) }

    mutating func evolve(_ input: Input) { old.evolve(Self.former(input)) }

    func react(to input: Input) -> [Step] {
        old.react(to: Self.former(input)).map { step in
            switch step.kind {
            case .request(let request, let undo): .init(kind: .request(request, undo: undo.map(Self.next)))
            case .perform(let effect, let undo): .init(kind: .perform(effect, undo: undo.map(Self.next)))
            case .scheduleAfter(let deadline, _): .schedule(deadline, after: .seconds(3600))
            case .scheduleAt(let deadline, let time): .schedule(deadline, at: time)
            case .cancel(let deadline): .cancel(deadline)
            case .cancelEffect(let effect): .cancelEffect(effect)
            case .compensate(let reason): .compensate(reason)
            case .complete: .complete
            }
        }
    }

    private static func next(_ undo: Checkout.Step.Undo) -> Step.Undo {
        switch undo {
        case .request(let request): .request(request)
        case .perform(let effect): .perform(effect)
        }
    }

    private static func former(_ input: Input) -> Checkout.Input {
        switch input {
        case .event(let event): .event(event)
        case .request(let request, let result): .request(request, result)
        case .effect(let effect, let result): .effect(effect, result)
        case .deadline(let deadline, let due): .deadline(deadline, due: due)
        }
    }
}

/// Two releases of a process over one log.
@Suite(.timeLimit(.minutes(10))) struct BuildTests {
    private func next(_ world: World, over store: (any EventStore)? = nil) throws -> ProcessRunner<NextCheckout> {
        let used = store ?? world.store
        let (_, outcomes) = World.handlers(used)
        let bank = world.bank
        return ProcessRunner(
            NextCheckout.self, after: .start, in: used, index: try SQLiteReadModel(), options: World.options
        ) { request in
            switch request {
            case .thank(let order): .execute(.confirm, on: order, with: outcomes)
            }
        } effects: { effect in
            switch effect {
            case .greet(let order):
                EffectCall { try bank.call(.invoice(order: order), key: $0.idempotencyKey) }
            }
        }
    }

    @Test("PRC-19: an old build leaves a request, an effect, a deadline and a record that it does not know")
    func sideBySide() async throws {
        let world = try World()
        try await world.stock("tea", 100)
        try await world.place("new")
        // The new build dies after it has recorded what it wants.
        try? await next(world, over: CrashingStore(world.store, atAppend: 1, .beforeAnswer)).catchUp()
        let planned = ["started", "received", "requestPlanned", "effectPlanned", "deadlineScheduled"]
        #expect(try await world.names("new") == planned)
        let future = EventData(type: "effectDelegated", text: "{}")
        try await world.store.append([future], to: Checkout.stream(of: "future"))
        for order in ["old", "future"] { try await world.place(order) }
        try await world.pay("old")
        let old = world.runner()
        for _ in 0..<4 {
            try await old.catchUp()
            world.clock.advance(by: .seconds(30))
        }
        #expect(try await world.names("new") == planned)
        let left = try await world.store.read(.stream(Checkout.stream(of: "future"))).events
        #expect(left.map(\.type) == ["effectDelegated"])
        #expect(try await world.outcome("old") == "confirmed")
        #expect(try await old.status().unknownSteps > 0)
        // The new build takes what was left to it, next to the old one.
        try await next(world).catchUp()
        try await old.catchUp()
        try await next(world).catchUp()
        let ends = try await world.names("new").dropFirst(planned.count).sorted()
        #expect(ends == ["deadlineFired", "effectDone", "effectStarted", "requestAccepted"])
    }

    @Test("PRC-24: instances that an old build left at any append are finished by the next one, as they were recorded")
    func upgraded() async throws {
        var number = 0
        while true {
            number += 1
            let world = try World()
            try await world.stock("tea", 5)
            for order in ["1", "2", "3"] { try await world.place(order) }
            try await world.pay("1")
            let crashing = CrashingStore(world.store, atAppend: number, .beforeAnswer)
            try? await world.runner(over: crashing).catchUp()
            let before = try await world.records("3").map(\.record)
            let next = try patient(world)
            for seconds in [5, 5, 5, 1800, 5, 1800, 5] as [Int64] {
                try await next.catchUp()
                world.clock.advance(by: .seconds(seconds))
            }
            try await next.catchUp()
            #expect(try await Checker.faults(world, ["1", "2", "3"]) == [], "stopped at append \(number)")
            try await expectRecorded(world, before)
            if !crashing.hasCrashed || number > 60 { break }
        }
        #expect(number > 10)
    }

    /// The version and the deadline of an instance are those of the build that started it.
    private func expectRecorded(_ world: World, _ before: [ProcessRecord]) async throws {
        let records = try await world.records("3")
        #expect(Array(records.map(\.record).prefix(before.count)) == before)
        let isOld = !before.isEmpty
        #expect(records.first?.record == .started(generation: 1, version: isOld ? 1 : 2))
        let scheduled = try #require(records.first { $0.event.type == "deadlineScheduled" })
        let fired = try #require(records.first { $0.event.type == "deadlineFired" })
        let waited = fired.event.recordedAt.microseconds(since: scheduled.event.recordedAt) / 1_000_000
        #expect(isOld ? (1800..<3600).contains(waited) : waited >= 3600, "\(waited)")
    }

    private func patient(_ world: World) throws -> ProcessRunner<PatientCheckout> {
        let (stock, outcomes) = World.handlers(world.store)
        let bank = world.bank
        return ProcessRunner(
            PatientCheckout.self, after: .start, in: world.store, index: try SQLiteReadModel(), options: World.options
        ) { request in
            switch request {
            case .reserve(let item, let units, let order):
                .execute(.reserve(units: units, order: order), on: item, with: stock)
            case .release(let item, let units, let order):
                .execute(.release(units: units, order: order), on: item, with: stock)
            case .confirm(let order): .execute(.confirm, on: order, with: outcomes)
            case .cancel(let order, let reason): .execute(.cancel(reason: reason), on: order, with: outcomes)
            }
        } effects: { effect in
            EffectCall(policy: World.policy) { try bank.call(effect, key: $0.idempotencyKey) }
        }
    }

    @Test("PRC-24: the records of the first release are read as they were written", arguments: Self.firstRelease)
    func golden(_ record: ProcessRecord, _ type: EventType, _ text: String) throws {
        #expect(try decoded(type, text) == record)
        let written = try ProcessRecord.coding.encode(record)
        #expect(written.type == type)
        #expect(try decoded(written.type, String(decoding: written.payload, as: UTF8.self)) == record)
    }

    private func decoded(_ type: EventType, _ text: String) throws -> ProcessRecord? {
        let event = RecordedEvent(
            position: 1, stream: "process:checkout-1", revision: 1, recordedAt: "2026-01-01T00:00:00Z",
            data: EventData(type: type, text: text))
        return try ProcessRecord.coding.decode(event).first
    }

    private static let step: EventID = "01890a5d-ac96-774b-bcce-b302099a8057"
    private static let id = "01890a5d-ac96-774b-bcce-b302099a8057"
    private static let fragment = JSONFragment(["charge": ["cents": 5]])
    static let firstRelease: [(ProcessRecord, EventType, String)] = [
        (.started(generation: 2, version: 3), "started", #"{"generation":2,"version":3}"#),
        (
            .received(position: 7, event: step, stream: "order-1"), "received",
            #"{"position":7,"event":"\#(id)","stream":"order-1"}"#
        ),
        (.received(position: 7, event: step, stream: nil), "received", #"{"position":7,"event":"\#(id)"}"#),
        (.ignored(position: 7, event: step), "ignored", #"{"position":7,"event":"\#(id)"}"#),
        (
            .requestPlanned(request: fragment, undo: .request(fragment), undoes: nil), "requestPlanned",
            #"{"request":{"charge":{"cents":5}},"undo":{"request":{"_0":{"charge":{"cents":5}}}}}"#
        ),
        (.requestAccepted(step: step), "requestAccepted", #"{"step":"\#(id)"}"#),
        (.requestRefused(step: step, reason: "full"), "requestRefused", #"{"step":"\#(id)","reason":"full"}"#),
        (
            .effectPlanned(effect: fragment, undo: .effect(fragment), undoes: step), "effectPlanned",
            #"{"effect":{"charge":{"cents":5}},"undo":{"effect":{"_0":{"charge":{"cents":5}}}},"undoes":"\#(id)"}"#
        ),
        (.effectStarted(step: step), "effectStarted", #"{"step":"\#(id)"}"#),
        (.effectDone(step: step, result: "r"), "effectDone", #"{"step":"\#(id)","result":"r"}"#),
        (.effectFailed(step: step, reason: "r"), "effectFailed", #"{"step":"\#(id)","reason":"r"}"#),
        (.effectUnknown(step: step, reason: "r"), "effectUnknown", #"{"step":"\#(id)","reason":"r"}"#),
        (
            .effectCancelled(effect: fragment, step: nil), "effectCancelled", #"{"effect":{"charge":{"cents":5}}}"#
        ),
        (
            .deadlineScheduled(deadline: fragment, due: nil, after: 5, replaces: step), "deadlineScheduled",
            #"{"deadline":{"charge":{"cents":5}},"after":5,"replaces":"\#(id)"}"#
        ),
        (
            .deadlineCancelled(deadline: fragment, step: step), "deadlineCancelled",
            #"{"deadline":{"charge":{"cents":5}},"step":"\#(id)"}"#
        ),
        (.deadlineFired(step: step), "deadlineFired", #"{"step":"\#(id)"}"#),
        (.compensationStarted(reason: "r"), "compensationStarted", #"{"reason":"r"}"#),
        (.completed(reason: nil), "completed", "{}"),
        (.parked(input: step, reason: "r"), "parked", #"{"input":"\#(id)","reason":"r"}"#),
        (.released(reason: "r"), "released", #"{"reason":"r"}"#),
    ]
}
