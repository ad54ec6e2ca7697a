import ArgumentParser
public import Sillok
import SillokTerminal

/// A command line tool for an application. Its `state`, `history` and `diff` show states with the application's
/// deciders, and its `rehearse` tries the application's process managers on the recorded instances.
///
/// ```swift
/// let tool = StoreTool("shop", .decider(Order.self, of: "order")) { path in
///     try SQLiteEventStore(path: path, mode: .readOnly)
/// }
/// exit(await tool.run(Array(CommandLine.arguments.dropFirst())))
/// ```
/// With ``operating(_:)`` the tool has the commands `processes`, `webhooks` and `schedule` of `sillok` too. Without a
/// decider for a stream's category, it shows the number of events and the last payload of each event type, as
/// `sillok` does.
public struct StoreTool: Sendable {
    private let name: String
    private let toolbox: Toolbox
    var access: OperatorAccess?

    /// Creates a tool.
    ///
    /// - Parameters:
    ///   - name: the name of the executable, for its help.
    ///   - deciders: the deciders whose states are shown.
    ///   - processes: the process managers that can be rehearsed.
    ///   - open: opens the store that is named on the command line, for reading.
    public init(
        _ name: String, _ deciders: ShownDecider..., processes: [RehearsedProcess] = [],
        open: @escaping @Sendable (String) async throws -> any EventStore
    ) {
        self.name = name
        toolbox = Toolbox(deciders: deciders, processes: processes) { path, body in try await body(open(path)) }
    }

    /// Runs one command line and returns the exit status. It is 0 on success, 1 if a rehearsal has found a difference,
    /// 64 if the command line was invalid, 66 if there is no such stream, 70 otherwise. The commands of operators have
    /// those of `sillok`.
    public func run(_ arguments: [String]) async -> Int32 {
        await Toolbox.$current.withValue(toolbox) {
            guard let access else { return await run(arguments, as: HistoryTool.self) }
            return await OperatorAccess.$current.withValue(access) {
                await run(arguments, as: OperatingTool.self)
            }
        }
    }

    private func run(_ arguments: [String], as root: any AsyncParsableCommand.Type) async -> Int32 {
        do {
            var command = try root.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            try Console.current.output.flush()
            return 0
        } catch {
            try? Console.current.output.flush()
            return report(error, of: root)
        }
    }

    /// Says what went wrong, and returns the exit status.
    private func report(_ error: any Error, of root: any AsyncParsableCommand.Type) -> Int32 {
        switch error {
        case is SomethingDiffers: return 1
        case let error as NoSuchStream:
            Console.current.note("\(name): \(error)")
            return 66
        case let failure as CommandFailure:
            if !failure.message.isEmpty { Console.current.note("\(name): \(failure.message)") }
            if let hint = failure.hint { Console.current.note(hint) }
            return failure.status.rawValue
        default: break
        }
        let code = root.exitCode(for: error)
        let message = root.fullMessage(for: error)
        guard code.isSuccess else {
            Console.current.note(message)
            return code == .validationFailure ? 64 : 70
        }
        try? Console.current.print(message)
        try? Console.current.output.flush()
        return 0
    }
}

/// A decider whose states a tool can show.
public struct ShownDecider: Sendable {
    let category: StreamCategory
    let view: @Sendable () -> any StateView

    /// Returns a decider for the streams of a category.
    public static func decider<D: Decider>(_ decider: D.Type, of category: StreamCategory) -> ShownDecider {
        ShownDecider(category: category) { DeciderView<D>() }
    }
}

/// The commands of a tool.
private struct HistoryTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tool", abstract: "Shows the states of streams and their history, and rehearses processes.",
        subcommands: [StateCommand.self, HistoryCommand.self, DiffCommand.self, RehearseCommand.self])
}

/// The commands of a tool that operates an application too.
private struct OperatingTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tool",
        abstract:
            "Shows states and their history, rehearses processes, and operates processes, webhooks and schedules.",
        subcommands: HistoryTool.configuration.subcommands + [
            ProcessesCommand.self, WebhooksCommand.self, ScheduleCommand.self,
        ])
}

/// The deciders, the process managers and the store access of the application.
package struct Toolbox: Sendable {
    /// The toolbox of the current task.
    @TaskLocal package static var current = Toolbox(deciders: []) { _, _ in }

    let deciders: [ShownDecider]
    let processes: [RehearsedProcess]
    /// Opens a store, and closes it after the body.
    let reading: @Sendable (String, (any EventStore) async throws -> Void) async throws -> Void

    package init(
        deciders: [ShownDecider], processes: [RehearsedProcess] = [],
        reading: @escaping @Sendable (String, (any EventStore) async throws -> Void) async throws -> Void
    ) {
        self.deciders = deciders
        self.processes = processes
        self.reading = reading
    }

    /// Returns the view of a stream's states.
    func view(of stream: StreamID) -> any StateView {
        deciders.first { $0.category == stream.category }?.view() ?? PayloadView()
    }
}
