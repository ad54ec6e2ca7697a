import ArgumentParser
import SillokProjections
import SillokSQLite
import SillokTerminal

/// Authors and hot files as tables of a read model.
struct ProjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project", abstract: "Keep authors and hot files as tables of a read model.",
        discussion: """
            Example: git-history project history.sqlite views.sqlite --top 5. Run it again to project what is new.
            With --refuse README.md the projection of hot files has a mistake: it cannot handle this file, and parks
            its events. To correct the mistake, leave out --refuse and pass --retry: the parked events are then
            projected.
            """)

    @Argument(help: "The store's file.") var store: String
    @Argument(help: "The read model's file; made if there is none.") var model: String
    @Option(help: "How many authors and files to list.") var top = 10
    @Option(help: "Plant a mistake: the projection of hot files cannot handle this file.") var refuse: String?
    @Flag(help: "Try what was parked again.") var retry = false
    @Flag(help: "Build the tables again next to the live ones, compare and promote them.") var rebuild = false

    @Flag(help: "Continue with new events, until Ctrl-C.") var follow = false

    func run() async throws {
        let store = try SQLiteEventStore(path: store, mode: .readOnly)
        let model = try SQLiteReadModel(path: model)
        let authors = Projector(Authors(), from: store, into: model)
        let files = Projector(HotFiles(refused: refuse), from: store, into: model)
        if rebuild {
            for projector in [authors, files] { try await remake(projector) }
        } else {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await authors.run() }
                group.addTask { try await files.run() }
                group.addTask { [retry] in try await Self.follow([authors, files], to: store.head(), retry: retry) }
                defer { group.cancelAll() }
                // Ends with all events projected, or with the reason for which a projector stopped.
                try await group.next()
                if follow {
                    print("following")
                    try await group.next()
                }
            }
        }
        try await report(files.readSide)
        await model.close()
        await store.close()
    }

    /// Waits until both have come to the head, and, if that is wanted, until what was parked has been tried.
    private static func follow(
        _ projectors: [Projector<SQLiteReadModel>], to head: Position, retry: Bool
    ) async throws {
        let bar = ProgressBar("Projecting", total: head.value)
        for projector in projectors {
            while projector.position < head {
                bar.update(to: projector.position.value)
                _ = try? await projector.model(atLeast: head, within: .milliseconds(200))
                try Task.checkCancellation()
            }
        }
        bar.update(to: head.value)
        bar.finish()
        // An event that failed is tried three times before it needs an operator.
        while let side = projectors.last?.readSide,
            try await side.deadLetters(of: "hot_files", limit: .max).contains(where: { $0.state == .retrying })
        {
            try await Task.sleep(for: .milliseconds(20))
        }
        guard retry, let side = projectors.last?.readSide else { return }
        let count = try await side.retry("hot_files", by: Operator("git-history", because: "the mistake is mended"))
        while try await side.deadLetters(of: "hot_files", limit: 1).first?.state == .retry {
            try await Task.sleep(for: .milliseconds(50))
        }
        print("tried \(count) dead letters again")
    }

    private func remake(_ projector: Projector<SQLiteReadModel>) async throws {
        let whom = Operator("git-history", because: "to show that it comes out the same")
        let bar = ProgressBar("Rebuilding \(projector.name)", total: nil)
        try await projector.rebuild(by: whom) { status in
            bar.update(to: status.count, fraction: status.progress)
        }
        bar.finish()
        let comparison = try await projector.readSide.diff(projector.name)
        print(
            "\(comparison.other): \(comparison.differences.count) of \(comparison.rows) rows differ from the live ones")
        try await projector.readSide.promote(projector.name, by: whom)
    }

    private func report(_ side: ReadSide) async throws {
        for name in ["authors", "hot_files"] {
            let check = try await side.verify(name)
            let findings = check.findings.map(\.description).joined(separator: "; ")
            print("\(check.projection): \(check.events) events, \(findings.isEmpty ? "as the log has them" : findings)")
        }
        let letters = try await side.deadLetters(of: "hot_files", limit: 1000)
        if let first = letters.first(where: { $0.state == .failed }) {
            print("\(letters.count) dead letters, the first at \(first.position): \(first.reason)")
        }
        for (title, query) in [
            ("authors by commits", "SELECT author, commits FROM authors ORDER BY commits DESC, author" as SQL),
            ("files by changes", "SELECT path, changes FROM hot_files ORDER BY changes DESC, path"),
        ] {
            print("\ntop \(title)")
            for row in try await side.readModel.rows("\(query) LIMIT \(top)") {
                print("  \(row.values[1])  \(row.values[0].text ?? "")")
            }
        }
    }
}
