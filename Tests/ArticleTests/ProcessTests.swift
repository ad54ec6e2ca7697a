import Sillok
import SillokHistory
import SillokProcessTesting
import SillokProcesses
import SillokRehearsal
import SillokSQLite
import SillokTesting
import Testing

/// The seat of a concert hall that the article about process managers holds and releases.
private struct Seat: Decider {
    enum Command: Sendable { case hold(booking: String), release(booking: String) }
    enum Event: Codable, Equatable, Sendable { case held(booking: String), released(booking: String) }
    enum Refusal: Error, Equatable { case taken }

    private(set) var holder: String?

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .hold(let booking):
            if holder == booking { return [] }
            guard holder == nil else { throw .taken }
            return [.held(booking: booking)]
        case .release(let booking): return holder == booking ? [.released(booking: booking)] : []
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .held(let booking): holder = booking
        case .released: holder = nil
        }
    }
}

enum BookingEvent: Codable, Equatable, Sendable {
    case booked(seat: String, cents: Int)
    case paid
}

struct Booking: ProcessManager {
    typealias Event = BookingEvent

    enum Request: Codable, Equatable, Sendable {
        case hold(seat: String, booking: String)
        case release(seat: String, booking: String)
    }

    enum Effect: Codable, Equatable, Sendable {
        case sendTicket(booking: String)
    }

    enum Deadline: Codable, Hashable, Sendable {
        case payment
    }

    static let name = "booking"
    static let source = EventQuery.category("booking")

    static func correlate(_ event: Recorded<BookingEvent>) -> Correlation {
        let key = event.stream?.key ?? ""
        return event.payload == .paid ? .joins(key) : .starts(key)
    }

    private var booking = ""

    mutating func evolve(_ input: Input) {
        if case .event(let event) = input { booking = event.stream?.key ?? "" }
    }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event): react(to: event.payload)
        case .request(.hold, .refused(let reason)): [.compensate(reason), .complete]
        case .deadline(.payment, _): [.compensate("not paid in time"), .complete]
        default: []
        }
    }

    private func react(to event: BookingEvent) -> [Step] {
        switch event {
        case .booked(let seat, _):
            [
                .request(.hold(seat: seat, booking: booking), undo: .release(seat: seat, booking: booking)),
                .schedule(.payment, after: .seconds(30 * 60)),
            ]
        case .paid: [.cancel(.payment), .perform(.sendTicket(booking: booking)), .complete]
        }
    }
}

/// The same with an hour for the payment.
struct PatientBooking: ProcessManager {
    typealias Event = BookingEvent
    typealias Request = Booking.Request
    typealias Effect = Booking.Effect
    typealias Deadline = Booking.Deadline

    static let name = "booking"
    static let version = 2
    static let source = EventQuery.category("booking")

    static func correlate(_ event: Recorded<BookingEvent>) -> Correlation {
        .starts(event.stream?.key ?? "")
    }

    private var booking = ""

    mutating func evolve(_ input: Input) {
        if case .event(let event) = input { booking = event.stream?.key ?? "" }
    }

    func react(to input: Input) -> [Step] {
        guard case .event(let event) = input, case .booked(let seat, _) = event.payload else { return [] }
        return [
            .request(.hold(seat: seat, booking: booking), undo: .release(seat: seat, booking: booking)),
            .schedule(.payment, after: .seconds(60 * 60)),
        ]
    }
}

/// The code of the article about process managers.
@Suite struct ProcessTests {
    private struct Mail: Sendable {
        let sent = Lock([String: Int]())

        func send(_ text: String, key: String) async throws -> String {
            sent.withLock { $0[key, default: 0] += 1 }
            return "sent"
        }
    }

    private struct Bank: Sendable {
        func charge(_ cents: Int, key: String) async throws -> String { "receipt" }

        func find(_ key: String) async throws -> EffectResult? { .done("receipt") }
    }

    private let clock = ManualClock("2026-11-23T12:00:00Z")
    private let mail = Mail()

    private func runner(
        _ store: any EventStore, _ model: SQLiteReadModel, _ seats: CommandHandler<Seat>
    ) -> ProcessRunner<Booking> {
        let mail = mail
        let bookings = ProcessRunner(Booking.self, after: .start, in: store, index: model) { request in
            switch request {
            case .hold(let seat, let booking): .execute(.hold(booking: booking), on: seat, with: seats)
            case .release(let seat, let booking): .execute(.release(booking: booking), on: seat, with: seats)
            }
        } effects: { effect in
            switch effect {
            case .sendTicket(let booking): EffectCall { try await mail.send(booking, key: $0.idempotencyKey) }
            }
        }
        return bookings
    }

    private func happened(_ event: BookingEvent, to booking: String, in store: any EventStore) async throws {
        try await store.append([EventCoding<BookingEvent>().encode(event)], to: StreamID("booking", booking))
    }

    @Test func `a seat is held, a ticket is sent once, and an unpaid seat is released in time`() async throws {
        let store = MemoryEventStore(clock: clock.wallClock)
        let model = try SQLiteReadModel()
        let seats = CommandHandler<Seat>("seat", in: store)
        try await happened(.booked(seat: "a1", cents: 500), to: "1", in: store)
        try await happened(.booked(seat: "a2", cents: 500), to: "2", in: store)
        let bookings = runner(store, model, seats)
        try await bookings.catchUp()
        #expect(try await seats.state(of: "a1").state.holder == "1")
        // Instances run side by side: only now is it certain who comes too late.
        try await happened(.booked(seat: "a1", cents: 500), to: "3", in: store)
        try await bookings.catchUp()
        #expect(try await seats.state(of: "a1").state.holder == "1")
        try await happened(.paid, to: "1", in: store)
        clock.advance(by: .seconds(30 * 60))
        try await bookings.catchUp()
        #expect(try await seats.state(of: "a1").state.holder == "1")
        #expect(try await seats.state(of: "a2").state.holder == nil)
        #expect(mail.sent.withLock { Array($0.values) } == [1])
        let status = try await bookings.status()
        #expect(status.instances == ["completed": 3])
        try await checkOperating(bookings)

        let report = try await store.past().rehearse(PatientBooking.self)
        #expect(!report.isSame)
        #expect(report.differences.first?.wanted == #"schedule {"payment":{}} at 2026-11-23T13:00:00.000000Z"#)
        await model.close()
    }

    private func checkOperating(_ bookings: ProcessRunner<Booking>) async throws {
        let ada = Metadata(actor: "Ada")
        let wasReleased = try await Metadata.$current.withValue(ada) {
            try await bookings.release("42", reason: "the upcaster is deployed")
        }
        #expect(!wasReleased)
        let wasEnded = try await bookings.end("42", compensating: true, reason: "the concert was cancelled")
        #expect(!wasEnded)
        for overdue in try await bookings.overdueDeadlines() { print(overdue.key, overdue.deadline, overdue.due) }
        let spread = try await bookings.resolveOverdue(by: .spread(over: .seconds(3600)), reason: "one hour is enough")
        let dropped = try await bookings.resolveOverdue(by: .drop, reason: "the concert is over")
        let adopted = try await bookings.resolveOverdue(by: .adopt, reason: "the old program has cancelled these")
        #expect(spread == 0)
        #expect(dropped == 0 && adopted == 0)
    }

    @Test func `an effect says how it is called, and how its outcome is found`() async throws {
        let bank = Bank()
        var policy = EffectCall.Policy()
        policy.attempts = 5
        policy.keyLifetime = .seconds(24 * 3600)
        let call = EffectCall(policy: policy) { attempt in
            try await bank.find(attempt.idempotencyKey)
        } _: { attempt in
            try await bank.charge(500, key: attempt.idempotencyKey)
        }
        _ = call
    }

    @Test func `objectives of processes are measured`() {
        let objectives: [Objective] = [
            .steps(p99: .seconds(60), over: .seconds(3600)), .deadlines(p99: .seconds(5), over: .seconds(3600)),
            .parkedInstances(atMost: 0, over: .seconds(3600)), .unknownOutcomes(atMost: 10, over: .seconds(3600)),
        ]
        let monitor = ObjectiveMonitor(objectives) { _ in }
        monitor.record(
            ProcessMeasurement(
                process: "booking", instances: ["parked": 1], oldestStep: .seconds(7), lateness: .zero, failing: 0,
                unknown: 10))
        let missed = monitor.statuses().filter { !$0.isMet }
        #expect(missed.map(\.measured) == ["1 parked"])
        #expect(missed.map(\.subject) == ["process:booking"])
    }

    @Test func `a scenario needs no store`() {
        ProcessScenario<Booking>
            .given(.happened(.booked(seat: "a1", cents: 500), in: "booking-1"))
            .when(.deadline(.payment, due: "2026-11-23T12:30:00Z"))
            .then(.compensate("not paid in time"), .complete)
    }
}
