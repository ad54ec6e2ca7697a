import ArgumentParser
import Sillok
import SillokHistory
import SillokProjections
import SillokReadSide
import SillokSQL
import SillokTerminal

struct ProjectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "projections",
        abstract: "Operate the projections of a read model.",
        discussion: """
            Works on any read model, whether its application runs or not. A command that needs the application's code
            stores a request in the read model, and the application executes it when it runs.

            Examples:
              sillok projections list views.sqlite --store bank.sqlite
              sillok projections verify views.sqlite balances --store bank.sqlite
              sillok projections rebuild views.sqlite balances --store bank.sqlite --reason "a row was edited"
              sillok projections diff views.sqlite balances
              sillok projections promote views.sqlite balances --reason "the rows are the same"
            """,
        subcommands: [
            List.self, Status.self, Verify.self, Rebuild.self, Diff.self, Promote.self, Rollback.self, Drop.self,
            Pause.self, Resume.self, Audit.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List projections with their builds and their lag.")

        @OptionGroup var model: ModelArgument
        @OptionGroup var show: ShowOptions

        func run() async throws {
            try await model.with { side in
                let all = try await side.status()
                if show.json { return try all.forEach { try Console.current.print(json: $0.json) } }
                var table = Table(
                    .left("PROJECTION"), .left("STATE"), .right("POSITION"), .right("BEHIND"), .left("LAG"),
                    .right("DEAD LETTERS"), .left("NOTE"))
                for status in all {
                    table.add(
                        "\(status.build.id)", status.build.state.rawValue, status.position.value.grouped,
                        status.behind.grouped, status.behind == 0 ? "-" : status.lagTime.spoken,
                        status.deadLetters.grouped, status.note)
                }
                let console = Console.current
                if all.isEmpty { return console.note("no projections") }
                try console.print(table)
            }
        }
    }

    struct Status: ProjectionCommand {
        static let configuration = CommandConfiguration(abstract: "Show the state of one projection in detail.")

        @OptionGroup var projection: ProjectionArgument
        @OptionGroup var show: ShowOptions

        func run() async throws {
            try await model.with { side in
                let all = try await side.status(of: name)
                if all.isEmpty { throw CommandFailure(.notFound, "there is no projection \(name.visible)") }
                if show.json { return try all.forEach { try Console.current.print(json: $0.json) } }
                for status in all { try print(status) }
            }
        }

        private func print(_ status: ProjectionStatus) throws {
            let console = Console.current
            let build = status.build
            try console.print(console.outputTerminal.styled("\(build.id)", .bold) + "  \(build.state.rawValue)")
            var lines = [
                ("position", "\(status.position.value.grouped) of \(status.head.value.grouped)"),
                ("lag", status.behind == 0 ? "none" : "\(status.behind.grouped) events, \(status.lagTime.spoken)"),
                ("events", status.count.grouped), ("dead letters", status.deadLetters.grouped),
                ("lifecycle", build.lifecycle.rawValue), ("partitions", "\(build.partitions)"),
                ("tables", build.tables.joined(separator: ", ")), ("begun", build.begun.readable),
            ]
            if let caughtUp = build.caughtUp { lines.append(("caught up", caughtUp.readable)) }
            if !status.note.isEmpty { lines.append(("note", status.note)) }
            for (name, value) in lines {
                try console.print("  " + console.outputTerminal.styled(name.padded(to: 14), .dim) + value.visible)
            }
        }
    }

    struct Verify: ProjectionCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Compare the events that a projection has handled with the log, and name the first one that differs.",
            discussion: "Exit status 1 says that something differs.")

        @OptionGroup var projection: ProjectionArgument
        @OptionGroup var show: ShowOptions

        func run() async throws {
            try await model.with { side in
                let head = try await side.store.head()
                let bar = ProgressBar("Comparing", total: head.value)
                let report = try await side.verify(name) { done, _ in bar.update(to: done.value) }
                bar.finish(quietly: true)
                try print(report)
                try Console.current.output.flush()
                if !report.findings.isEmpty {
                    throw CommandFailure(
                        .found, "",
                        hint:
                            "Rebuild the projection: sillok projections rebuild \(model.readModel.visible) \(name)"
                    )
                }
            }
        }

        private func print(_ report: ProjectionVerification) throws {
            let console = Console.current
            if show.json {
                return try console.print(json: [
                    "projection": "\(report.projection)", "sound": report.findings.isEmpty, "events": report.events,
                    "position": report.position, "deadLetters": report.deadLetters,
                    "findings": report.findings.map(\.description),
                ])
            }
            let word =
                report.findings.isEmpty
                ? console.outputTerminal.styled("sound", .green) : console.outputTerminal.styled("differs", .red)
            let letters = report.deadLetters == 0 ? "" : ", \(report.deadLetters.grouped) of them dead letters"
            try console.print("\(word): \(report.projection), \(report.events.grouped) events\(letters)")
            for finding in report.findings { try console.print("  \(finding)") }
        }
    }

    struct Audit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show which operator did what, when and why.")

        @OptionGroup var model: ModelArgument
        @Option(help: "The maximum number of entries.") var limit = 50
        @OptionGroup var show: ShowOptions

        func run() async throws {
            try await model.withoutLog { side in
                let console = Console.current
                var table = Table(
                    .left("AT"), .left("WHO"), .left("DID"), .left("PROJECTION"), .left("WHAT"), .left("WHY"))
                for entry in try await side.audit(limit: limit) {
                    if show.json {
                        try console.print(json: [
                            "at": entry.at, "actor": entry.actor, "action": entry.action,
                            "projection": "\(entry.projection)", "detail": entry.detail, "reason": entry.reason,
                        ])
                    } else {
                        table.add(
                            entry.at.readable, entry.actor, entry.action, "\(entry.projection)", entry.detail,
                            entry.reason)
                    }
                }
                if !show.json { try console.print(table) }
            }
        }
    }
}

extension ProjectionStatus {
    /// What else is to be said.
    fileprivate var note: String {
        if let failure = build.failure { return failure }
        if build.isPaused { return "paused" }
        return build.state == .building ? "\((progress * 100).rounded(digits: 0)) %" : ""
    }

    fileprivate var json: JSONLine {
        [
            "projection": build.id.name, "version": build.id.version, "build": build.id.build,
            "state": build.state.rawValue, "lifecycle": build.lifecycle.rawValue, "partitions": build.partitions,
            "position": position, "head": head, "behind": behind, "lagSeconds": JSONText(lagTime.seconds, digits: 6),
            "events": count, "deadLetters": deadLetters, "paused": build.isPaused, "failure": build.failure,
        ]
    }
}
