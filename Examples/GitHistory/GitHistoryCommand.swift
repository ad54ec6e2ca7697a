import ArgumentParser
import Foundation
import Sillok
import SillokSnapshots
import SillokSQLite
import SillokTerminal

/// The history of a git repository as events: `git-history import REPOSITORY STORE`.
@main struct GitHistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "git-history", abstract: "The history of a git repository as events.",
        subcommands: [ImportCommand.self, TreeCommand.self, StatsCommand.self, ProjectCommand.self])
}

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Record what a repository has and the store has not.",
        discussion: "Example: git-history import . history.sqlite. Run it again to record what is new.")

    @Argument(help: "The repository.") var repository: String
    @Argument(help: "The store's file; made if there is none.") var store: String
    @Flag(help: "Follow merges of HEAD to their first parent alone: the history is a line.") var firstParent = false

    func run() async throws {
        let store = try SQLiteEventStore(path: store)
        let repository = GitRepository(path: repository, isLine: firstParent)
        let importer = Importer(repository: repository, store: store)
        let bar = ProgressBar("Importing", unit: "commits")
        let report = try await importer.run { progress in
            let fraction = progress.total.map { Double(progress.commits) / Double(max($0, 1)) }
            bar.update(to: UInt64(progress.commits), fraction: fraction)
        }
        bar.finish()
        await store.close()
        print(
            """
            \(report.newCommits) commits, \(report.newEvents) events and \(report.newReferences) references are new
            \(report.elapsed.inSeconds) s: \(report.waiting.inSeconds) s waiting for git, \
            \(report.deciding.inSeconds) s deciding (\(report.reading.inSeconds) s of it reading the store), \
            \(report.appending.inSeconds) s appending
            """)
    }
}

struct TreeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tree", abstract: "Print the files at a commit, as git ls-tree -r --full-tree prints them.",
        discussion: """
            Example: git-history tree history.sqlite HEAD.
            With --at the command goes back from the commit along its first parents, and prints the tree of the last
            commit at or before that time: git-history tree history.sqlite --at 2021-05-01T00:00:00Z.
            With --snapshots it starts at the nearest stored tree and applies the later commits. That needs a history
            that was imported with --first-parent.
            """)

    @Argument(help: "The store's file.") var store: String
    @Argument(help: "Full ids of commits, or branches and tags that were imported; HEAD if there are none.")
    var commits: [String] = []
    @Option(help: "The tree as of this commit time, such as 2021-05-01T00:00:00Z.") var at: String?
    @Option(help: "The file in which trees are stored; made if there is none.") var snapshots: String?

    func run() async throws {
        let store = try SQLiteEventStore(path: store, mode: .readOnly)
        let model = try snapshots.map { try SQLiteReadModel(path: $0) }
        let kept = model.map { Snapshots(in: $0, TreeLine.policy) }
        if kept != nil { try await TreeLine.checkLine(of: store) }
        for name in commits.isEmpty ? ["HEAD"] : commits {
            var commit = try await ReferenceStream.resolve(name, in: store)
            if let at { commit = try await TreeLine.commit(at: at, from: commit, in: store) }
            let tree =
                if let kept { try await TreeLine.tree(of: commit, in: store, kept) } else {
                    try await FileTree(of: commit, in: store)
                }
            try FileHandle.standardOutput.write(contentsOf: Data(tree.listing))
        }
        await kept?.flush()
        await model?.close()
        await store.close()
    }
}

struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Count what was recorded: events, authors, files.",
        discussion: "Example: git-history stats history.sqlite --top 5.")

    @Argument(help: "The store's file.") var store: String
    @Option(help: "How many authors and files to list.") var top = 10

    func run() async throws {
        let store = try SQLiteEventStore(path: store, mode: .readOnly)
        print(try await Statistics(of: store).report(top: max(0, top)))
        await store.close()
    }
}

extension Duration {
    /// Seconds with two digits after the point.
    fileprivate var inSeconds: String {
        let (seconds, attoseconds) = components
        let hundredths = attoseconds / 10_000_000_000_000_000
        return "\(seconds).\(hundredths < 10 ? "0" : "")\(hundredths)"
    }
}
