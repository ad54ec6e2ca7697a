import ArgumentParser
import Foundation
import Sillok
import SillokTerminal

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Record the events of an export.",
        discussion: """
            Each event is recorded exactly once, because the store recognizes known events by their ids. So you can run
            an interrupted import again, and a longer export of the same store adds the new events. A damaged line stops
            the import, and the error contains its number. All lines before it are recorded. Import also takes events of
            other producers, with their identity (id and source) and all attributes. A line is a CloudEvent in JSON, or
            an array of them.

            Examples:
              sillok import copy.sqlite bank.jsonl
              zstd -dc bank.jsonl.zst | sillok import copy.sqlite
            """)

    @OptionGroup var store: StoreArgument

    @Argument(help: "The file to read; without one, or with -, the standard input.", completion: .file())
    var file: String?

    @Flag(help: "Set the recorded times to the current time. Use it if the store already has later events.")
    var restamp = false

    @OptionGroup var future: FutureOption

    @OptionGroup var waiting: LockWaiting

    @OptionGroup var show: ShowOptions

    func run() async throws {
        let console = Console.current
        let input = try InputFile(path: file ?? "-")
        if input.size == nil && isatty(STDIN_FILENO) == 1 && (file ?? "-") == "-" {
            console.note("Reading events from the terminal, one JSON object a line; Ctrl-D ends it.")
        }
        try await store.writing(limits: future.limits, waiting: waiting.time) { store in
            let bar = ProgressBar("Importing")
            var importer = Importer(into: store, restamps: restamp)
            var reader = LineReader(descriptor: input.descriptor, name: input.name)
            do {
                try await importer.take(&reader) { summary, bytes in
                    bar.update(to: summary.lines, fraction: input.size.map { Double(bytes) / Double(max($0, 1)) })
                }
            } catch {
                bar.finish(quietly: true)
                throw explained(error, input, importer.summary)
            }
            bar.finish(quietly: !console.errorTerminal.isTerminal)
            // The import is done, also if the head cannot be read.
            Console.current.note(change: "imported \(importer.summary.imported.grouped) events")
            try report(importer.summary, head: try await store.head())
        }
    }

    /// Adds to an error how far the import came and how to continue.
    private func explained(_ error: any Error, _ input: InputFile, _ summary: Importer.Summary) -> any Error {
        if error is CancellationError {
            Console.current.note(
                "stopped: \(summary.imported.grouped) events imported. Run the same command again to continue.")
        }
        guard let failure = error as? CommandFailure else { return error }
        if failure.message.hasPrefix(input.name) || summary.lines == 0 { return failure }
        return CommandFailure(failure.status, "\(input.name), \(failure.message)", hint: failure.hint)
    }

    private func report(_ summary: Importer.Summary, head: Position) throws {
        if show.json {
            return try Console.current.print(json: [
                "lines": summary.lines, "imported": summary.imported, "alreadyThere": summary.known,
                "keepsPositions": summary.keepsPositions, "head": head,
            ])
        }
        let known = summary.known > 0 ? ", \(summary.known.grouped) were there already" : ""
        try Console.current.print("imported \(summary.imported.grouped) events\(known); the head is \(head)")
        if !summary.keepsPositions {
            Console.current.note("Positions differ from those in the file: the store or the file has other events too.")
        }
        Console.current.suggest("sillok verify \(store.store.visible)")
    }
}
