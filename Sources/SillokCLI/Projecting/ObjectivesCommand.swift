import ArgumentParser
import Sillok
import SillokReadSide
import SillokSQL
import SillokTerminal

struct ObjectivesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slo",
        abstract:
            "Show the objectives of the application that uses a read model. Exit status 1 means that one is broken.",
        discussion: """
            The application measures the objectives and stores them in the read model. An objective without a recent
            measurement counts as broken.

            Examples:
              sillok slo views.sqlite && deploy
              sillok slo views.sqlite --json
            """)

    @OptionGroup var model: ModelArgument

    @Option(help: "The number of seconds without a measurement after which an objective counts as broken.")
    var staleSeconds = 60.0

    @OptionGroup var show: ShowOptions

    func validate() throws {
        if !(-1e9...1e9).contains(staleSeconds) {
            throw ValidationError("--stale-seconds must be between -1e9 and 1e9.")
        }
    }

    func run() async throws {
        let reports = try await model.withoutLog { try await $0.objectives() }
        let console = Console.current
        let now = WallClock.system.now()
        var table = Table(
            .left("SUBJECT"), .left("OBJECTIVE"), .left("STATE"), .left("MEASURED"), .right("BUDGET LEFT"),
            .right("BURN RATE"), .left("AT"))
        var isBroken = reports.isEmpty
        for report in reports {
            let isStale = report.isStale(at: now, after: .seconds(staleSeconds))
            let state = isStale ? "not measured" : report.isMet ? "met" : "broken"
            isBroken = isBroken || isStale || !report.isMet
            if show.json { try console.print(json: json(report, state)) }
            table.add(
                report.subject, report.objective, state, report.measured,
                report.isMet ? "\((report.budgetLeft * 100).rounded(digits: 1)) %" : "used up",
                report.burnRate.rounded(digits: 1), report.at.readable)
        }
        if !show.json && !reports.isEmpty { try console.print(table) }
        try console.output.flush()
        if isBroken {
            throw CommandFailure(.found, reports.isEmpty ? "no objective has been measured" : "an objective is broken")
        }
    }

    private func json(_ report: ObjectiveReport, _ state: String) -> JSONLine {
        [
            "subject": report.subject, "objective": report.objective, "state": state, "measured": report.measured,
            "budgetLeft": JSONText(report.budgetLeft, digits: 4), "burnRate": JSONText(report.burnRate, digits: 4),
            "at": report.at,
        ]
    }
}
