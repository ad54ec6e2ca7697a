import ArgumentParser
import Foundation
import Sillok
import SillokCopying
import SillokLog
import SillokTerminal

struct CopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy a log into another store, event by event.",
        discussion: """
            The copy has the same events at the same positions, with their ids, times and tracking. Only its store id
            differs. Other processes may write to FROM meanwhile, but not to TO. Run the same command again to continue
            an interrupted copy, or to add events that were recorded since. At the end both logs are read again and
            compared. --salvage copies what is readable of a damaged folder into a new store. Events behind a loss get
            lower positions. Exit status 1 means that events are lost.

            --category NAME copies the events of one category into a log that may have other categories. Ids, streams,
            revisions and times stay the same. Positions differ, so tokens and checkpoints of FROM are not valid in TO.
            To switch, stop the writers of the category, run the command again, and start them on TO: see
            docs/several-logs.md.

            Examples:
              sillok copy bank.sqlite 'postgres://app@db/bank'
              sillok copy --category order shop.sqlite orders.sillok
              sillok copy 'postgres://app@db/bank#sillok' backup.sqlite
            """)

    @Argument(help: "The store to read: a file, postgres://…, sillok://… or https://…", completion: .file())
    var from: String

    @Argument(help: "The store to write. It is created if it does not exist.", completion: .file())
    var to: String

    @Flag(help: "Do not read both logs again at the end.")
    var noVerify = false

    @Flag(help: "FROM is a damaged folder: copy the readable events, and list the lost positions.")
    var salvage = false

    @Option(help: "Copy the events of this category only.")
    var category: String?

    @Flag(help: "With --category: set the recorded times to the current time, if TO already has later events.")
    var restamp = false

    @OptionGroup var future: FutureOption

    @OptionGroup var show: ShowOptions

    func validate() throws {
        if from.isEmpty || to.isEmpty || from == to { throw ValidationError("FROM and TO must be two stores.") }
        if salvage && category != nil { throw ValidationError("--salvage copies whole logs: leave out --category.") }
        if restamp && category == nil { throw ValidationError("--restamp is for --category.") }
    }

    func run() async throws {
        if salvage { return try await copyReadable() }
        try await StoreArgument(place: from).reading { source in
            try await StoreArgument(place: to).writing(limits: future.limits) { target in
                if let category { return try await copyCategory(category, source, target) }
                try await copy(source, target)
            }
        }
    }

    private func copyReadable() async throws {
        guard StoreKind(path: from) == .folder, FileManager.default.fileExists(atPath: from) else {
            throw CommandFailure(.usage, "--salvage works on the folder of a log: \(from.visible) is none.")
        }
        let losses = try await LogEventStore(path: from, mode: .salvage).closing { source in
            try await StoreArgument(place: to).writing(limits: future.limits) { target in
                try await Copier(from: source, to: target).salvage(source.damage?.losses ?? [])
            }
            return source.damage?.losses ?? []
        }
        let lost = losses.map(\.description)
        if show.json {
            try Console.current.print(json: ["lost": lost])
        } else {
            try Console.current.print(lost.isEmpty ? "nothing is lost" : "lost: \(lost.joined(separator: ", "))")
        }
        if !lost.isEmpty { throw CommandFailure(.found, "") }
    }

    private func copy(_ source: any EventStore, _ target: any EventStore) async throws {
        let console = Console.current
        let copier = Copier(from: source, to: target)
        let start = try await copier.resumePosition()
        let head = try await source.head()
        let first = start.position.value
        let bar = ProgressBar("Copying", total: head.value - min(first, head.value))
        do {
            try await copier.run(after: start, through: head) { bar.update(to: $0.value - first) }
        } catch {
            bar.finish(quietly: true)
            if error is CancellationError { console.note("stopped; run the same command again to continue.") }
            throw error
        }
        bar.finish(quietly: !console.errorTerminal.isTerminal)
        console.note(change: "the events up to position \(head) are copied")
        if !noVerify {
            let bar = ProgressBar("Comparing", total: head.value)
            defer { bar.finish(quietly: true) }
            try await copier.compare(through: head) { bar.update(to: $0.value) }
        }
        try report(copied: head.value - min(first, head.value), head: head)
    }

    private func report(copied: UInt64, head: Position) throws {
        if show.json {
            return try Console.current.print(json: ["copied": copied, "head": head, "compared": !noVerify])
        }
        let compared = noVerify ? "" : "; both logs are the same"
        try Console.current.print("copied \(copied.grouped) events up to position \(head)\(compared)")
    }
}
