import ArgumentParser
import Sillok
import SillokTerminal

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write all events as JSON lines.",
        discussion: """
            Writes one CloudEvents 1.0 object per line. If you import the file into a new store and export that store,
            both files have the same bytes. --resume continues after the last complete line of the file. Use it to
            finish an interrupted export, or to add events that were recorded after the export.

            Examples:
              sillok export bank.sqlite bank.jsonl
              sillok export bank.sqlite --resume bank.jsonl
              sillok export bank.sqlite | zstd > bank.jsonl.zst
            """)

    @OptionGroup var store: StoreArgument

    @Argument(help: "The file to write; without one, or with -, the standard output.", completion: .file())
    var file: String?

    @Option(
        help: "Only events after this position or token. An interrupted export prints the token.",
        transform: { text in
            guard let mark = EventMark(text) else { throw ValidationError("\(text.visible) is no position.") }
            return mark
        })
    var after: EventMark?

    @Flag(help: "Continue after the last complete line of the file.")
    var resume = false

    @OptionGroup var show: ShowOptions

    private var path: String? { file == "-" ? nil : file }

    func validate() throws {
        if resume && path == nil { throw ValidationError("--resume needs a file.") }
        if resume && after != nil { throw ValidationError("--resume and --after exclude each other.") }
    }

    func run() async throws {
        try await store.reading { store in
            let file = try path.map { try OutputFile(path: $0, resumes: resume) }
            do {
                try await export(store, to: file)
            } catch {
                file?.removeIfEmpty()
                throw error
            }
        }
    }

    private func export(_ store: any EventStore, to file: OutputFile?) async throws {
        let console = Console.current
        let start = try await file?.resumePosition(in: store) ?? after ?? .start
        let (first, head) = (start.position, try await store.head())
        let bar = ProgressBar("Exporting", total: head > first ? head.value - first.value : 0)
        let exporter = Exporter(store: store, output: file?.output ?? console.output)
        var last = start
        do {
            last = try await exporter.export(after: start) { mark in
                last = mark
                bar.update(to: mark.position.value - first.value)
            }
            try file?.synchronize()
            try Task.checkCancellation()
        } catch is CancellationError {
            bar.finish(quietly: true)
            let again = path.map { "--resume \($0.visible)" } ?? "--after \(last)"
            console.note(
                "stopped after position \(last.position); "
                    + "continue with: sillok export \(self.store.store.visible) \(again)")
            throw CancellationError()
        }
        bar.finish(quietly: !console.errorTerminal.isTerminal || show.json)
        if let path { console.note(change: "the events up to position \(last.position) are in \(path.visible)") }
        if show.json && file != nil {
            try console.print(json: ["exported": last.position.value - first.value, "position": last.position.value])
        }
    }

}
