import ArgumentParser
import Sillok
import SillokCore
import SillokSQLite
import SillokTerminal

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a store from the first event to the last.",
        discussion: """
            Reads everything: checksums, positions, times, revisions, index, file structure. Changes nothing, and works
            while another process writes. Exit status 1 says that damage was found.

            Examples:
              sillok verify bank.sqlite && cp bank.sqlite /backup/
              sillok verify bank.sqlite --json | jq -r '.findings[].message'
            """)

    @OptionGroup var store: StoreArgument

    @OptionGroup var show: ShowOptions

    func run() async throws {
        let report = try await store.with(.readOnly) { opened in
            let progress = StepProgress(console: .current)
            defer { progress.finish() }
            return try await opened.verify { progress.update($0) }
        }
        if show.json {
            try Console.current.print(json(report))
        } else {
            try print(report)
        }
        if !report.isSound {
            try Console.current.output.flush()
            throw CommandFailure(.found, "", hint: show.json ? nil : hint)
        }
    }

    private var hint: String {
        "Keep the file as it is. What can still be read: sillok export \(store.store.visible) rescued.jsonl"
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

    private func json(_ report: VerificationReport) -> JSONWriter {
        var json = JSONWriter()
        json.beginObject()
        json.field("sound", report.isSound)
        json.field("events", report.events)
        json.field("streams", report.streams)
        json.key("findings")
        json.beginArray()
        for finding in report.findings {
            json.beginObject()
            if let position = finding.position { json.field("position", position.value) }
            json.field("message", finding.message)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json
    }
}

/// A bar for each step of work that reports its steps, from whatever thread.
private final class StepProgress: Sendable {
    private let console: Console
    private let bar = Lock<(step: String, bar: ProgressBar)?>(nil)

    init(console: Console) { self.console = console }

    func update(_ progress: WorkProgress) {
        let current = bar.withLock { current in
            if let current, current.step == progress.step { return current.bar }
            current?.bar.finish(quietly: true)
            let next = ProgressBar(
                "Checking \(progress.step)", unit: "checked", total: progress.total, console: console)
            current = (progress.step, next)
            return next
        }
        current.update(to: progress.done)
    }

    func finish() { bar.withLock { $0?.bar.finish(quietly: true) } }
}
