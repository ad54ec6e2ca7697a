import ArgumentParser
import Sillok
import SillokChain
import SillokCore
import SillokTerminal

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a store from the first event to the last.",
        discussion: """
            Works on a file or on PostgreSQL, not through a server. Reads everything: checksums, positions, times,
            revisions, index, file structure. Changes nothing, and works while another process writes. With --chain it
            also recomputes the hash chain from the events. Exit status 1 means that damage was found.

            Examples:
              sillok verify bank.sqlite && sillok backup bank.sqlite /backup/bank.sqlite
              sillok verify bank.sqlite --chain
              sillok verify bank.sqlite --json | jq -r '.findings[].message'
            """)

    @OptionGroup var store: StoreArgument

    @Flag(help: "Check the hash chain as well.")
    var chain = false

    @OptionGroup var show: ShowOptions

    func run() async throws {
        let (report, chained) = try await store.reading { opened in
            guard let opened = opened as? any SelfChecking else {
                throw CommandFailure(
                    .usage,
                    "this store cannot be verified through a server: run sillok verify on the machine that has "
                        + "the file.")
            }
            let progress = StepProgress(console: .current)
            defer { progress.finish() }
            let report = try await opened.verify(progress: { progress.update($0) })
            guard chain else { return (report, ChainReport?.none) }
            guard let chained = try await opened.verifyChain(progress: { progress.update($0) }) else {
                throw CommandFailure.noChain
            }
            return (report, chained)
        }
        if show.json {
            try Console.current.print(json: [
                "sound": report.isSound, "events": report.events, "streams": report.streams,
                "findings": report.findings.map(\.json), "chain": chained?.json(),
            ])
        } else {
            try print(report)
            if let chained { try print(chained) }
        }
        if !report.isSound || chained?.isIntact == false {
            try Console.current.output.flush()
            throw CommandFailure(.found, "", hint: show.json ? nil : hint)
        }
    }

    private var hint: String {
        StoreKind(path: store.store) == .folder
            ? "Do not change the folder. To save the readable events: sillok copy --salvage \(store.store.visible) TO"
            : "Do not change the file. To save the readable events: sillok export \(store.store.visible) rescued.jsonl"
    }

    private func print(_ report: VerificationReport) throws {
        let console = Console.current
        let terminal = console.outputTerminal
        let checked = "\(report.events.grouped) events in \(report.streams.grouped) streams"
        if report.isSound {
            return try console.print(terminal.styled("sound", .green) + ": \(checked)")
        }
        try console.print(terminal.styled("damaged", .red) + ": \(checked), \(report.findings.count) findings")
        for finding in report.findings { try console.print("  \(finding.description.visible)") }
    }

    private func print(_ chained: ChainReport) throws {
        let console = Console.current
        let terminal = console.outputTerminal
        let from = chained.chain.start > 1 ? " from position \(chained.chain.start) on" : ""
        let covered = "\(chained.events.grouped) events\(from)"
        if chained.isIntact {
            return try console.print(
                "chain " + terminal.styled("intact", .green) + ": \(covered), link \(chained.link)")
        }
        try console.print(
            "chain " + terminal.styled("broken", .red) + ": \(covered), \(chained.findings.count) findings")
        for finding in chained.findings { try console.print("  \(finding.description.visible)") }
    }
}
