public import Sillok
public import SillokCore
import SillokProcessMachine
public import SillokSQL

/// A command that can be scheduled: an enum of what an application does at a later time. It is recorded forever, so its
/// cases are a stable format.
public protocol SchedulableCommand: Codable, Sendable {
    /// The name of the schedule, such as `reminders`. It is part of the names of streams and contains no dash.
    static var schedule: String { get }
}

/// A schedule that executes each command at its own time. It is a process of one step.
///
/// ```swift
/// let reminders = ScheduledCommands(Reminder.self, in: store, index: model) { reminder in
///     switch reminder { case .remind(let order): .execute(.remind, on: order, with: orders) }
/// }
/// try await reminders.schedule(.remind(order: "42"), at: friday, key: "order-42")
/// try await reminders.run()
/// ```
/// A scheduled command is an event, so it survives restarts. It is executed exactly once if its aggregate is in the
/// same store. The time is that of the store, and a command that is due while no runner runs is executed late. Each key
/// has an instance of the process `schedule_<name>`, in which operators see what waits and the result.
public struct ScheduledCommands<Command: SchedulableCommand>: Sendable {
    private let store: any EventStore
    private let ids: IDGenerator
    private let runner: ProcessRunner<Schedule<Command>>
    private let coding = EventCoding<ScheduleEvent<Command>>()

    /// Creates a schedule. It executes nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - command: the type of the commands.
    ///   - store: the log in which they are recorded.
    ///   - model: the read model for the index of what waits, and for leases.
    ///   - options: how the process is run.
    ///   - execute: returns what a command does. A pure function.
    public init(
        _ command: Command.Type, in store: any EventStore, index model: any ReadModel,
        options: ProcessOptions = ProcessOptions(), _ execute: @escaping @Sendable (Command) -> ProcessCommand
    ) {
        self.store = store
        ids = options.ids
        runner = ProcessRunner(
            Schedule<Command>.self, after: .start, in: store, index: model, options: options, requests: execute
        ) { _ in
            EffectCall { _ in throw EffectFailed("A schedule has no effects.") }
        }
    }

    /// Schedules a command. One with the same key that waits is replaced.
    ///
    /// - Parameters:
    ///   - command: the command.
    ///   - time: when it is executed: not before, and as soon as the runner can.
    ///   - key: the key under which it is replaced or withdrawn; by default a new one. It contains no personal data.
    /// - Returns: the key.
    @discardableResult
    public func schedule(_ command: Command, at time: Timestamp, key: String? = nil) async throws -> String {
        let id: EventID = ids.next()
        let key = key ?? id.description
        let event = try coding.encode(
            .commandScheduled(command: command, due: time), id: id, metadata: Metadata.current)
        try await append(event, key)
        return key
    }

    /// Withdraws the command with a key. It has no effect if the command is executed already, or does not wait.
    public func withdraw(_ key: String, reason: String) async throws {
        try await append(
            coding.encode(.commandWithdrawn(reason: reason), id: ids.next(), metadata: Metadata.current), key)
    }

    private func append(_ event: EventData, _ key: String) async throws {
        do {
            try await store.append([event], to: StreamID(ScheduleName.category(of: Command.schedule), key))
        } catch {
            throw error.underlyingError
        }
    }

    /// Executes commands when they are due, until the task is cancelled.
    ///
    /// - Throws: `CancellationError`; `InvalidRequest` if the name of the schedule contains a dash; `ProjectionFailure`
    ///   if the index cannot be prepared.
    public func run() async throws { try await runner.run() }

    /// Executes all commands that are due now, and returns. Cannot be called while ``run()`` runs.
    public func catchUp() async throws { try await runner.catchUp() }

    /// Returns the state of the work.
    public func status() async throws -> ProcessStatus { try await runner.status() }
}

/// The process that executes the commands of a schedule.
struct Schedule<Command: SchedulableCommand>: ProcessManager {
    typealias Event = ScheduleEvent<Command>
    typealias Request = Command
    /// There is none: `react` performs no effect.
    enum Effect: Codable, Sendable {
        case none
    }

    enum Deadline: Codable, Hashable, Sendable {
        case due
    }

    static var name: String { ScheduleName.prefix + Command.schedule }
    static var source: EventQuery { .category(ScheduleName.category(of: Command.schedule)) }

    static func correlate(_ event: Recorded<Event>) -> Correlation {
        let key = event.stream?.key ?? ""
        return switch event.payload {
        case .commandScheduled: .starts(key)
        case .commandWithdrawn: .joins(key)
        }
    }

    private var command: Command?

    init() {}

    mutating func evolve(_ input: Input) {
        if case .event(let event) = input, case .commandScheduled(let command, _) = event.payload {
            self.command = command
        }
    }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event):
            switch event.payload {
            case .commandScheduled(_, let due): [.schedule(.due, at: due)]
            case .commandWithdrawn: [.cancel(.due), .complete]
            }
        case .deadline: command.map { [.request($0)] } ?? [.complete]
        case .request: [.complete]
        case .effect: []
        }
    }
}
