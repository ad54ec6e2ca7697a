import ArgumentParser
import Foundation
import SillokCore
import SillokTerminal

/// The command line of Sillok.
@main
struct SillokCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sillok",
        abstract: "Keeps events in a log that is never altered.",
        discussion: """
            Try it:
              sillok append bank.sqlite account-1 --type opened --data '{"owner":"Ada"}'
              sillok read bank.sqlite
              sillok tail -f bank.sqlite

            Every command takes --json. For scripts: 0 done, 1 damage found, 2 conflict, 64 usage, 65 invalid data,
            66 not found, 69 store damaged, 74 disk, 75 locked by another process.
            Completion: sillok --generate-completion-script bash (or zsh, fish).
            """,
        version: "0.1.0",
        subcommands: [
            AppendCommand.self, ReadCommand.self, TailCommand.self, StreamsCommand.self, StatCommand.self,
            VerifyCommand.self, ExportCommand.self, ImportCommand.self, BenchCommand.self,
        ])

    static func main() async {
        let task = Lock<Task<Int32, Never>?>(nil)
        Interruption.watch { task.withLock { $0?.cancel() } }
        let running = Task { await run(Array(CommandLine.arguments.dropFirst())) }
        task.withLock { $0 = running }
        Foundation.exit(await running.value)
    }

    /// Runs one command line and answers its exit status.
    static func run(_ arguments: [String]) async -> Int32 {
        let console = Console.current
        do {
            var command = try await asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            try console.output.flush()
            return ExitStatus.done.rawValue
        } catch {
            return report(error, console)
        }
    }

    /// Says in one or two lines what went wrong and what to do, and answers the exit status.
    private static func report(_ error: any Error, _ console: Console) -> Int32 {
        if let failure = CommandFailure(error) {
            try? console.output.flush()
            if failure.status == .brokenPipe { return failure.status.rawValue }
            if failure.status == .interrupted { return (Interruption.status ?? .interrupted).rawValue }
            if !failure.message.isEmpty {
                console.note(console.errorTerminal.styled("sillok: ", .red) + failure.message)
            }
            if let hint = failure.hint { console.note(hint) }
            return failure.status.rawValue
        }
        let code = exitCode(for: error)
        let message = fullMessage(for: error)
        if code.isSuccess {
            if !message.isEmpty { try? console.print(message) }
            try? console.output.flush()
            return ExitStatus.done.rawValue
        }
        console.note(message.isEmpty ? "sillok: \(error)" : message)
        return code == .validationFailure ? ExitStatus.usage.rawValue : ExitStatus.unexpected.rawValue
    }
}
