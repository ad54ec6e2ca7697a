import ArgumentParser
public import Sillok
import SillokTerminal

/// A command line tool for an application. Its `state`, `history` and `diff` show states with the application's
/// deciders.
///
/// ```swift
/// let tool = StoreTool("shop", .decider(Order.self, of: "order")) { path in
/// ```
/// Without a decider for a stream's category, it shows the last payloads of the events, as `sillok` does.
public struct StoreTool: Sendable {
    private let name: String
    private let toolbox: Toolbox

    /// Creates a tool.
    ///
    /// - Parameters:
    ///   - name: the name of the executable, for its help.
    ///   - deciders: the deciders whose states are shown.
    ///   - open: opens the store that is named on the command line, for reading.
    public init(
        _ name: String, _ deciders: ShownDecider..., open: @escaping @Sendable (String) async throws -> any EventStore
    ) {
        self.name = name
        toolbox = Toolbox(deciders: deciders) { path, body in try await body(open(path)) }
    }

    /// Runs one command line and returns the exit status. It is 0 on success, 1 if something differs, 64 if the command
    /// line was invalid, 66 if there is no such stream, 70 otherwise.
    public func run(_ arguments: [String]) async -> Int32 {
        await Toolbox.$current.withValue(toolbox) {
            do {
                var command = try HistoryTool.parseAsRoot(arguments)
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
                try Console.current.output.flush()
                return 0
            } catch let error as NoSuchStream {
                Console.current.note("\(name): \(error)")
                return 66
            } catch {
                try? Console.current.output.flush()
                let code = HistoryTool.exitCode(for: error)
                let message = HistoryTool.fullMessage(for: error)
                guard code.isSuccess else {
                    Console.current.note(message)
                    return code == .validationFailure ? 64 : 70
                }
                try? Console.current.print(message)
                try? Console.current.output.flush()
                return 0
            }
        }
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
        commandName: "tool", abstract: "Shows what streams come to, and how they came to it.",
        subcommands: [StateCommand.self, HistoryCommand.self, DiffCommand.self])
}

/// The deciders and the store access of the application.
package struct Toolbox: Sendable {
    /// The toolbox of the current task.
    @TaskLocal package static var current = Toolbox(deciders: []) { _, _ in }

    let deciders: [ShownDecider]
    /// Opens a store, and closes it after the body.
    let reading: @Sendable (String, (any EventStore) async throws -> Void) async throws -> Void

    package init(
        deciders: [ShownDecider],
        reading: @escaping @Sendable (String, (any EventStore) async throws -> Void) async throws -> Void
    ) {
        self.deciders = deciders
        self.reading = reading
    }

    /// Returns the view of a stream's states.
    func view(of stream: StreamID) -> any StateView {
        deciders.first { $0.category == stream.category }?.view() ?? PayloadView()
    }
}
