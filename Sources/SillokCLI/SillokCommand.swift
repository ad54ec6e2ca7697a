import ArgumentParser
import Foundation
import SillokAPI
import SillokCommands
import SillokCore
import SillokTerminal

/// Where the process begins. Not async: signals must be taken over before the first other thread starts.
@main
enum EntryPoint {
    static func main() {
        let command = Lock<Task<Void, Never>?>(nil)
        Interruption.watch { command.withLock { $0?.cancel() } }
        let status = Lock<Int32?>(nil)
        // Detached, for this thread, which is that of the main actor, waits.
        let running = Task.detached {
            let ending = await SillokCommand.run(given: Arguments.given)
            status.withLock { $0 = ending }
            status.wakeAll()
        }
        command.withLock { $0 = running }
        exit(status.wait { $0 })
    }
}

/// The command line of Sillok.
struct SillokCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sillok",
        abstract: "Appends events to a log, reads them, and checks that no event was changed.",
        discussion: """
            Try it:
              sillok append bank.sqlite account-1 --type opened --data '{"owner":"Ada"}'
              sillok read bank.sqlite
              sillok tail -f bank.sqlite

            Most commands take --json: see the help of the command.

            Exit status:
              0  done                   66  not found
              1  a problem was found   69  the store is damaged
              2  conflict               74  reading or writing failed
              3  done, not printed      75  busy: try again later
              64 usage                  130 ended by Ctrl-C
              65 invalid data

            Completion:
              sillok --generate-completion-script bash > ~/.local/share/bash-completion/completions/sillok
            """,
        version: ProjectVersion.current,
        subcommands: [
            StateCommand.self, HistoryCommand.self, DiffCommand.self,
            AppendCommand.self, ReadCommand.self, TailCommand.self, StreamsCommand.self, StatCommand.self,
            VerifyCommand.self, HeadCommand.self, AuditCommand.self, ExportCommand.self, ImportCommand.self,
            CopyCommand.self, ProjectionsCommand.self, DeadLettersCommand.self,
            ProcessesCommand.self, WebhooksCommand.self, ScheduleCommand.self,
            ObjectivesCommand.self, SchemaCommand.self,
            BackupCommand.self, ServeCommand.self, KeysCommand.self, NewCommand.self,
        ])

    /// Runs the command line of the process, unless bytes of it are no text.
    static func run(given arguments: Result<[String], CommandFailure>) async -> Int32 {
        switch arguments {
        case .success(let arguments): return await run(arguments)
        case .failure(let failure): return report(failure, Console.current)
        }
    }

    /// Runs one command line and answers its exit status.
    static func run(_ arguments: [String]) async -> Int32 {
        let console = Console.current
        do {
            var command = try await asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                // What there is to know of an application without its code: nothing but how to open a store.
                let toolbox = Toolbox(deciders: []) { path, body in try await StoreArgument(place: path).reading(body) }
                try await Toolbox.$current.withValue(toolbox) {
                    try await OperatorAccess.$current.withValue(.ofPlaces) { try await command.run() }
                }
            } else {
                try command.run()
            }
            try console.output.flush()
            return ExitStatus.done.rawValue
        } catch {
            return report(error, console)
        }
    }

    /// Reports a change whose result could not be printed: the error of the answer is not the error of the change.
    private static func report(_ change: String, unprinted error: any Error, _ console: Console) -> Int32 {
        let cause = (error as? OutputFailure).map { "\($0)" } ?? "no process reads the output"
        console.note(
            console.errorTerminal.styled("sillok: ", .red) + "\(change), but the result could not be printed: \(cause)")
        console.note("The change is stored. Do not repeat the command.")
        return ExitStatus.unreported.rawValue
    }

    /// Says in one or two lines what went wrong and what to do, and answers the exit status.
    private static func report(_ error: any Error, _ console: Console) -> Int32 {
        if let change = console.change {
            if error is OutputFailure || error is BrokenPipe { return report(change, unprinted: error, console) }
            if CommandFailure(error)?.status != .found { console.note("Done before this error: \(change).") }
        }
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
