import ArgumentParser
import Sillok
import SillokCommands
import SillokReadSide
import SillokSQL
import SillokTerminal

extension ProjectionsCommand {
    struct Rebuild: ProjectionCommand {
        static let configuration = CommandConfiguration(
            abstract: "Rebuild a projection. Queries see the live build until the new one is promoted.")

        @OptionGroup var projection: ProjectionArgument
        @OptionGroup var whom: OperatorOptions
        @OptionGroup var waiting: WaitOptions

        func run() async throws {
            try await model.with(.writing) { side in
                let id = try await side.requestRebuild(of: name, by: whom.whom)
                Console.current.note(change: "\(id) was requested")
                if waiting.noWait || model.isInStore { return try Console.current.print("\(id) was requested") }
                let bar = ProgressBar("Building \(id)")
                defer { bar.finish(quietly: true) }
                try await waiting.wait {
                    guard let status = try await side.status(of: name).first(where: { $0.build.id == id }) else {
                        throw CommandFailure(.notFound, "an operator dropped \(id) while it was being built")
                    }
                    if let failure = status.build.failure { throw CommandFailure(.found, failure) }
                    bar.update(to: status.count, fraction: status.progress)
                    return (status.build.state != .requested, status.build.caughtUp != nil)
                }
                let console = Console.current
                try console.print("\(id) is built: \(bar.done.grouped) events in \(bar.elapsed.spoken)")
                try console.print("queries see the live build until this one is promoted")
                console.suggest("sillok projections diff \(model.readModel.visible) \(name)")
                console.suggest("sillok projections promote \(model.readModel.visible) \(name) --reason …")
            }
        }
    }

    struct Diff: ProjectionCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the rows that differ between the new build and the live one.",
            discussion: "Exit status 1 means that rows differ.")

        @OptionGroup var projection: ProjectionArgument
        @Option(help: "The maximum number of rows of each table.") var limit = 100

        func run() async throws {
            try await model.withoutLog { side in
                let result = try await side.diff(name, limit: limit)
                let console = Console.current
                let terminal = console.outputTerminal
                for row in result.differences {
                    try console.print(terminal.styled(row.table, .dim))
                    if let live = row.live { try console.print(terminal.styled("  - \(live.line)", .red)) }
                    if let other = row.other { try console.print(terminal.styled("  + \(other.line)", .green)) }
                }
                let count = "\(result.differences.count.grouped)\(result.isCut ? " or more" : "")"
                let apart = result.apart == 0 ? "" : "; they are \(result.apart.grouped) positions apart"
                try console.print(
                    "\(count) of \(result.rows.grouped) rows differ between \(result.live) (-) and "
                        + "\(result.other) (+)\(apart)")
                try console.output.flush()
                if !result.differences.isEmpty { throw CommandFailure(.found, "") }
            }
        }
    }

    struct Promote: ProjectionChange {
        static let configuration = CommandConfiguration(
            abstract:
                "Make the new build live, so that queries see it at once. The previous live build is kept for rollback."
        )

        @OptionGroup var projection: ProjectionArgument
        @OptionGroup var whom: OperatorOptions
        @Flag(
            name: [.long, .customLong("even-if-behind")],
            help: "Promote the build even if it contains less than the live one. --reason must say why.")
        var force = false

        func change(_ side: ReadSide) async throws -> String {
            try await side.promote(name, by: whom.whom, force: force)
            return "the new build of \(name.visible) is live"
        }
    }

    struct Rollback: ProjectionChange {
        static let configuration = CommandConfiguration(
            abstract: "Make the previous build live again. Queries see it at once.")

        @OptionGroup var projection: ProjectionArgument
        @OptionGroup var whom: OperatorOptions

        func change(_ side: ReadSide) async throws -> String {
            try await side.rollback(name, by: whom.whom)
            return "the previous build of \(name.visible) is live again"
        }
    }

    struct Drop: ProjectionChange {
        static let configuration = CommandConfiguration(abstract: "Delete a build that is not live, with its tables.")

        @OptionGroup var projection: ProjectionArgument
        @Argument(help: "The version of the projection.") var version: Int
        @Argument(help: "The number of the build.") var build: Int
        @OptionGroup var whom: OperatorOptions

        func change(_ side: ReadSide) async throws -> String {
            let id = ProjectionID(name, version: version, build: build)
            try await side.drop(id, by: whom.whom)
            return "\(id) was dropped"
        }
    }

    struct Pause: ProjectionChange {
        static let configuration = CommandConfiguration(
            abstract: "Stop a projection until it is resumed. It then handles the events that were appended meanwhile.")

        @OptionGroup var projection: ProjectionArgument
        @OptionGroup var whom: OperatorOptions

        func change(_ side: ReadSide) async throws -> String {
            try await side.pause(name, by: whom.whom)
            return "\(name.visible) is paused"
        }
    }

    struct Resume: ProjectionChange {
        static let configuration = CommandConfiguration(abstract: "Resume a paused projection.")

        @OptionGroup var projection: ProjectionArgument
        @OptionGroup var whom: OperatorOptions

        func change(_ side: ReadSide) async throws -> String {
            try await side.resume(name, by: whom.whom)
            return "\(name.visible) is resumed"
        }
    }
}

extension SQLRow {
    /// The row on a line.
    fileprivate var line: String {
        zip(columns, values).map { "\($0)=\($1)" }.joined(separator: " ").visible
    }
}
