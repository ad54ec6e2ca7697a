import Sillok
import SillokCore
import SillokProcesses
import SillokSQL

enum OrderEvent: Codable, Sendable { case placed(cents: Int) }

/// An order whose card is charged. One of 13 cents is declined for the time being; it must be paid in an hour.
struct Payment: ProcessManager {
    typealias Event = OrderEvent
    enum Request: Codable, Sendable { case none }
    enum Effect: Codable, Sendable { case charge(cents: Int) }
    enum Deadline: Codable, Sendable { case reminder }

    static let name = "payment"
    static let source = EventQuery.category("order")

    static func correlate(_ event: Recorded<OrderEvent>) -> Correlation { .starts(event.stream?.key ?? "") }

    mutating func evolve(_ input: Input) {}

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event):
            switch event.payload {
            case .placed(let cents):
                [.perform(.charge(cents: cents)), .schedule(.reminder, after: .seconds(3600))]
            }
        case .effect(_, .done): [.complete]
        case .effect, .deadline, .request: []
        }
    }
}

enum Reminder: SchedulableCommand {
    static let schedule = "reminders"

    case remind(order: String)
}

/// A decider that has nothing to decide.
struct Reminders: Decider {
    enum Command: Sendable { case remind }
    enum Event: Codable, Sendable { case reminded }

    func decide(_ command: Command) -> [Event] { [.reminded] }

    mutating func evolve(_ event: Event) {}
}

/// An application with a process and a schedule. Its bank is closed to charges of 13 cents until it is opened.
struct OperatedApplication: Sendable {
    private struct Declined: Error, CustomStringConvertible { let description = "the bank is closed" }

    let isOpen = Lock(false)
    private let payments: ProcessRunner<Payment>
    private let reminders: ScheduledCommands<Reminder>

    init(store: any EventStore, model: any ReadModel) {
        let (handler, isOpen) = (CommandHandler<Reminders>("reminder", in: store), isOpen)
        let options = ProcessOptions(pollInterval: .milliseconds(100))
        payments = ProcessRunner(Payment.self, after: .start, in: store, index: model, options: options) { _ in
            .execute(.remind, on: "none", with: handler)
        } effects: { effect in
            EffectCall { _ in
                if case .charge(13) = effect, !isOpen.withLock({ $0 }) { throw Declined() }
                return "receipt"
            }
        }
        reminders = ScheduledCommands(Reminder.self, in: store, index: model, options: options) { command in
            switch command {
            case .remind(let order): .execute(.remind, on: order, with: handler)
            }
        }
    }

    /// Does what can be done now.
    func catchUp() async throws {
        try await payments.catchUp()
        try await reminders.catchUp()
    }

    /// Runs for as long as `body`.
    func running(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await payments.run() }
            group.addTask { try await reminders.run() }
            try await body()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    /// Places orders of a number of cents.
    static func place(_ orders: [(key: String, cents: Int)], in store: any EventStore) async throws {
        for (key, cents) in orders {
            try await store.append(
                [EventData(type: "placed", text: "{\"cents\":\(cents)}")], to: StreamID("order", key))
        }
    }
}
