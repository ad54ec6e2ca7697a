package import ArgumentParser
public import Sillok
import SillokHistory
public import SillokProcessMachine
import SillokRehearsal
import SillokTerminal

/// A process manager that a tool can rehearse on a store.
public struct RehearsedProcess: Sendable {
    let name: String
    let rehearse: @Sendable (Past, _ limit: Int) async throws -> RehearsalReport

    /// Returns a process manager, in the version that the tool was built with.
    ///
    /// - Parameters:
    ///   - manager: the process manager.
    ///   - start: events up to here are no inputs of it, as given to its runner.
    public static func process<Manager: ProcessManager>(
        _ manager: Manager.Type, after start: Position = .start
    ) -> RehearsedProcess {
        RehearsedProcess(name: Manager.name) { past, limit in
            try await past.rehearse(manager, after: start, limit: limit)
        }
    }
}

/// `rehearse STORE PROCESS`.
package struct RehearseCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rehearse",
        abstract: "Show where this build's version of a process wants other steps than those that are recorded.",
        discussion: """
            Each recorded instance is followed with its recorded inputs, up to the first step that differs. Nothing is
            executed, and nothing is written. The exit status is 1 if a step differs.

            Examples:
              shop-tool rehearse shop.sqlite checkout
              shop-tool rehearse shop.sqlite checkout --at 2026-11-23T18:00:00Z --json
            """)

    @Argument(help: "The store.", completion: .file())
    var store: String

    @Argument(help: "The name of the process.")
    var process: String

    @Option(help: "Only what was recorded up to this position or time. The default is now.")
    var at: MomentArgument?

    @Option(help: "The greatest number of differences to show.")
    var limit = 100

    @Flag(help: "Print JSON, one object per line.")
    var json = false

    package init() {}

    package func run() async throws {
        let toolbox = Toolbox.current
        guard let rehearsed = toolbox.processes.first(where: { $0.name == process }) else {
            let names = toolbox.processes.map(\.name).joined(separator: ", ")
            throw ValidationError(
                "This tool has no process \"\(process)\". It has \(names.isEmpty ? "none" : names).")
        }
        try await toolbox.reading(store) { store in
            let report = try await rehearsed.rehearse(try await past(of: store), max(0, limit))
            try show(report)
            if !report.isSame { throw SomethingDiffers() }
        }
    }

    private func past(of store: any EventStore) async throws -> Past {
        switch at?.moment {
        case nil: return try await store.past()
        case .position(let position): return try await store.past(at: position)
        case .time(let time): return try await store.past(at: time)
        case .revision: throw ValidationError("A revision is one of a stream. Pass a position or a time to --at.")
        }
    }

    private func show(_ report: RehearsalReport) throws {
        let console = Console.current
        guard json else {
            for line in "\(report)".split(separator: "\n") { try console.print(String(line).visible) }
            return
        }
        for difference in report.differences {
            try console.print(
                json: [
                    "key": difference.key, "position": difference.position, "time": difference.recordedAt,
                    "input": difference.input, "recorded": difference.recorded, "wanted": difference.wanted,
                ])
        }
        try console.print(
            json: [
                "through": report.through, "instances": report.instances, "differing": report.differing,
                "unreadable": report.unreadable, "untaken": report.untaken,
            ])
    }
}

/// The command has found a difference, and has shown it.
struct SomethingDiffers: Error {}
