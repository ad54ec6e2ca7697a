import ArgumentParser
import Sillok
import SillokReadSide
import SillokSQL
import SillokTerminal

extension ProjectionsCommand {
    struct Rebuild: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Rebuild a projection. Queries see the live build until the new one is promoted.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @OptionGroup var whom: OperatorOptions
        @OptionGroup var waiting: WaitOptions

        func run() async throws {
            try await model.with(.writing) { side in
                let id = try await side.requestRebuild(of: name, by: whom.whom)
                Console.current.note(change: "\(id) is asked for")
                if waiting.noWait || model.isInStore { return try Console.current.print("\(id) is asked for") }
                let bar = ProgressBar("Building \(id)")
                defer { bar.finish(quietly: true) }
                try await waiting.wait {
                    guard let status = try await side.status(of: name).first(where: { $0.build.id == id }) else {
                        throw CommandFailure(.notFound, "\(id) was taken away while it was being made")
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

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the rows in which the other build differs from the live one.",
            discussion: "Exit status 1 means that rows differ.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @Option(help: "At most this many rows of each table.") var limit = 100

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

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let queries see the new build at once. The previous live build is kept for a rollback.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @OptionGroup var whom: OperatorOptions
        @Flag(
            name: [.long, .customLong("even-if-behind")],
            help: "Also when it would contain less than the live one. Give the reason with --reason.")
        var force = false

        func run() async throws {
            try await model.withoutLog(.writing) { side in
                try await side.promote(name, by: whom.whom, force: force)
                try Console.current.print(change: "the new build of \(name.visible) is live")
            }
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let queries see the build that was live before, at once.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @OptionGroup var whom: OperatorOptions

        func run() async throws {
            try await model.withoutLog(.writing) { side in
                try await side.rollback(name, by: whom.whom)
                try Console.current.print(change: "the build of \(name.visible) before is live")
            }
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a build and its tables away that is not live.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @Argument(help: "The version of its rule.") var version: Int
        @Argument(help: "The number of the build.") var build: Int
        @OptionGroup var whom: OperatorOptions

        func run() async throws {
            try await model.withoutLog(.writing) { side in
                let id = ProjectionID(name, version: version, build: build)
                try await side.drop(id, by: whom.whom)
                try Console.current.print(change: "\(id) is gone")
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop a projection for a while; what is appended meanwhile waits in the log.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @OptionGroup var whom: OperatorOptions

        func run() async throws {
            try await model.withoutLog(.writing) { side in
                try await side.pause(name, by: whom.whom)
                try Console.current.print(change: "\(name.visible) is paused")
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Resume a paused projection.")

        @OptionGroup var model: ModelArgument
        @Argument(help: "The projection.") var name: String
        @OptionGroup var whom: OperatorOptions

        func run() async throws {
            try await model.withoutLog(.writing) { side in
                try await side.resume(name, by: whom.whom)
                try Console.current.print(change: "\(name.visible) is resumed")
            }
        }
    }
}

extension SQLRow {
    /// The row on a line.
    fileprivate var line: String {
        zip(columns, values).map { "\($0)=\($1)" }.joined(separator: " ").visible
    }
}
