import Sillok
import SillokCore
import SillokHistory
import SillokProcesses
import SillokRehearsal
import SillokSQLite
import SillokTesting
import Testing

/// What differs between the versions of the test subject.
private protocol ParcelRules: Sendable {
    static var days: Int64 { get }
    static var startsWithdrawn: Bool { get }
    static var remindsDeclined: Bool { get }
    static var confirmsTwice: Bool { get }
}

extension ParcelRules {
    static var days: Int64 { 2 }
    static var startsWithdrawn: Bool { false }
    static var remindsDeclined: Bool { false }
    static var confirmsTwice: Bool { false }
}

private enum Recorded1: ParcelRules {}
private enum Longer: ParcelRules { static var days: Int64 { 3 } }
private enum Reminding: ParcelRules { static var remindsDeclined: Bool { true } }
private enum Starting: ParcelRules { static var startsWithdrawn: Bool { true } }

private enum Confirming: ParcelRules { static var confirmsTwice: Bool { true } }

private enum ParcelRequest: Codable, Equatable, Sendable { case confirm(order: String), cancel(order: String) }
private enum ParcelEffect: Codable, Equatable, Sendable { case charge(order: String), remind(order: String) }
private enum ParcelDeadline: Codable, Hashable, Sendable { case payment }

/// An order is charged when it is paid, and cancelled if it is not paid in time.
private struct Parcel<Rules: ParcelRules, Event: Codable & Sendable & ParcelEvent>: ProcessManager {
    typealias Request = ParcelRequest
    typealias Effect = ParcelEffect
    typealias Deadline = ParcelDeadline

    static var name: String { "parcel" }
    static var source: EventQuery { .category("order") }

    static func correlate(_ event: Recorded<Event>) -> Correlation {
        let key = event.stream?.key ?? ""
        return event.payload.isStart || (Rules.startsWithdrawn && event.payload.isEnd) ? .starts(key) : .joins(key)
    }

    var order = ""

    mutating func evolve(_ input: Input) {
        if case .event(let event) = input { order = event.stream?.key ?? "" }
    }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event) where event.payload.isStart:
            [.schedule(.payment, after: .seconds(Rules.days * 86_400))]
        case .event(let event) where event.payload.isEnd: [.compensate("withdrawn"), .complete]
        case .event: [.cancel(.payment), .perform(.charge(order: order))]
        case .effect(.charge, .done):
            (Rules.confirmsTwice ? [.perform(.remind(order: order))] : [])
                + [.request(.confirm(order: order)), .complete]
        case .effect(.charge, .failed):
            (Rules.remindsDeclined ? [.perform(.remind(order: order))] : [])
                + [.request(.cancel(order: order)), .complete]
        case .deadline: [.request(.cancel(order: order)), .complete]
        default: []
        }
    }
}

private protocol ParcelEvent {
    var isStart: Bool { get }
    var isEnd: Bool { get }
}

extension ShopEvent: ParcelEvent {
    var isStart: Bool { if case .placed = self { true } else { false } }
    var isEnd: Bool { self == .withdrawn }
}

/// Events with a member that no recorded event has.
private enum ColouredEvent: Codable, Sendable, ParcelEvent {
    case placed(item: String, colour: String), paid(cents: Int), withdrawn

    var isStart: Bool { if case .placed = self { true } else { false } }
    var isEnd: Bool { if case .withdrawn = self { true } else { false } }
}

@Suite struct RehearsalTests {
    private let world: World
    private let calls = Lock(0)

    init() throws { world = try World() }

    /// Five orders: confirmed, declined, not paid, restarted and withdrawn, and one that was never placed.
    private func run() async throws {
        for order in ["paid", "declined", "unpaid", "again"] { try await world.place(order) }
        try await world.happens(.withdrawn, to: "unknown")
        try await world.happens(.withdrawn, to: "again")
        try await work()
        try await world.place("again")
        for order in ["paid", "declined"] { try await world.happens(.paid(cents: 500), to: order) }
        try await work()
        world.clock.advance(by: .seconds(2 * 86_400))
        try await work()
    }

    private func work() async throws { try await runner().catchUp() }

    private func runner() -> ProcessRunner<Parcel<Recorded1, ShopEvent>> {
        let outcomes = World.handlers(world.store).1
        let calls = calls
        let index = world.index.withLock { $0 }
        return ProcessRunner(
            Parcel<Recorded1, ShopEvent>.self, after: .start, in: world.store, index: index, options: World.options
        ) { request in
            switch request {
            case .confirm(let order): .execute(.confirm, on: order, with: outcomes)
            case .cancel(let order): .execute(.cancel(reason: ""), on: order, with: outcomes)
            }
        } effects: { effect in
            var policy = EffectCall.Policy()
            policy.attempts = 1
            return EffectCall(policy: policy) { _ in
                calls.withLock { $0 += 1 }
                if effect == .charge(order: "lost") { throw Bank.Down() }
                if effect == .charge(order: "declined") { throw EffectFailed("declined") }
                return ""
            }
        }
    }

    private func request(_ act: ProcessAct, _ order: String) async throws {
        let data = try ProcessRecord.coding.encode(
            .actRequested(act: act), id: world.ids.next(), metadata: Metadata(actor: "Ada", reason: "a test"))
        try await world.store.append([data], to: StreamID("process:parcel", order))
    }

    private func rehearse<Rules: ParcelRules>(_ rules: Rules.Type) async throws -> RehearsalReport {
        try await world.store.past().rehearse(Parcel<Rules, ShopEvent>.self)
    }

    @Test("P7: the version that was recorded wants the recorded steps, and a rehearsal changes nothing")
    func same() async throws {
        try await run()
        let (head, before) = (try await world.store.head(), calls.withLock { $0 })
        let report = try await rehearse(Recorded1.self)
        #expect(report.isSame, "\(report)")
        #expect(report.instances == 4)
        #expect(report.through == head)
        #expect(try await world.store.head() == head)
        #expect(calls.withLock { $0 } == before)
    }

    @Test("P7: each instance is reported up to its first step that differs, and no further")
    func first() async throws {
        try await run()
        let report = try await rehearse(Longer.self)
        #expect(report.differing == 4)
        #expect(report.differences.map(\.key) == ["again", "declined", "paid", "unpaid"])
        let difference = try #require(report.differences.first)
        #expect(difference.input == "placed")
        #expect(difference.recorded == #"schedule {"payment":{}} at 2026-01-03T00:00:00.000000Z"#)
        #expect(difference.wanted == #"schedule {"payment":{}} at 2026-01-04T00:00:00.000000Z"#)
        let two = try await world.store.past().rehearse(Parcel<Longer, ShopEvent>.self, limit: 2)
        #expect(two.differing == 4)
        #expect(two.differences.count == 2)
    }

    @Test("P7: an instance that the new rule does not concern is the same")
    func one() async throws {
        try await run()
        let report = try await rehearse(Reminding.self)
        #expect(report.differing == 1)
        let difference = try #require(report.differences.first)
        #expect(difference.key == "declined")
        #expect(difference.input == #"failed {"charge":{"order":"declined"}}: declined"#)
        #expect(difference.recorded == #"request {"cancel":{"order":"declined"}}"#)
        #expect(difference.wanted == #"perform {"remind":{"order":"declined"}}"#)
    }

    @Test("P7: events that only the new version takes are reported, and so are records that it cannot read")
    func events() async throws {
        try await run()
        let started = try await rehearse(Starting.self)
        #expect(started.untaken == 1)
        #expect(started.differences.map(\.key) == ["unknown"])
        let unreadable = try await world.store.past().rehearse(Parcel<Recorded1, ColouredEvent>.self)
        #expect(unreadable.unreadable == 4)
        #expect(unreadable.differing == 4)
    }

    @Test("P7: what operators did is followed, and what the process wanted after it is compared")
    func acts() async throws {
        for order in ["lost", "ended", "ending", "dropped"] { try await world.place(order) }
        try await world.happens(.paid(cents: 500), to: "lost")
        try await work()
        try await runner().end("ended", compensating: true, reason: "a test")
        try await request(.end, "ending")
        let lost = try await world.store.read(.stream("process:parcel-lost")).events
        let charge = try #require(lost.first { $0.type == "effectPlanned" })
        #expect(lost.contains { $0.type == "effectUnknown" })
        try await request(.answer(step: charge.id, result: "found"), "lost")
        let dropped = try await world.store.read(.stream("process:parcel-dropped")).events
        let deadline = try #require(dropped.first { $0.type == "deadlineScheduled" })
        try await request(.skip(step: deadline.id), "dropped")
        try await work()
        #expect(try await world.outcome("lost") == "confirmed")
        let report = try await rehearse(Recorded1.self)
        #expect(report.isSame, "\(report)")
        #expect(report.instances == 4)
        #expect(try await rehearse(Confirming.self).differences.map(\.key) == ["lost"])
    }

    @Test("P7: the log of a moment is rehearsed without what came after it")
    func past() async throws {
        try await run()
        let past = try await world.store.past(at: 1)
        let report = try await past.rehearse(Parcel<Recorded1, ShopEvent>.self)
        #expect(report.instances == 0)
        #expect(report.untaken == 1)
    }
}
