package import ArgumentParser
import Sillok
import SillokHistory
import SillokTerminal

/// The arguments that name a stream of a store.
struct StreamArguments: ParsableArguments {
    @Argument(help: "The store.", completion: .file())
    var store: String

    @Argument(help: "The stream.")
    var stream: String

    @Flag(help: "Print JSON, one object per line.")
    var json = false

    var id: StreamID { StreamID(stream) }
}

/// A moment in the form of the command line: a revision `r7`, a position `1200`, a time `2026-11-23T09:15:00Z`.
struct MomentArgument: ExpressibleByArgument {
    let moment: Moment

    init?(argument: String) {
        if let position = UInt64(argument) {
            moment = .position(Position(position))
        } else if argument.hasPrefix("r"), let revision = UInt64(argument.dropFirst()) {
            moment = .revision(Revision(revision))
        } else if let time = Timestamp(argument) {
            moment = .time(time)
        } else {
            return nil
        }
    }
}

/// `state STORE STREAM --at MOMENT`.
package struct StateCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Show the state of a stream, now or at a moment.",
        discussion: """
            A moment is a revision of the stream (r7), a position of the store (1200), or a time. The state includes all
            events up to and including that moment. Without the application's code sillok shows the number of events of
            each type, and the last value of each member. A tool with the application's deciders shows their states.

            Examples:
              sillok state bank.sqlite account-1
              sillok state bank.sqlite account-1 --at 2026-11-23T18:00:00Z --json
            """)

    @OptionGroup var stream: StreamArguments

    @Option(help: "The moment: a revision, a position or a time. The default is now.")
    var at: MomentArgument?

    package init() {}

    package func run() async throws {
        let toolbox = Toolbox.current
        try await toolbox.reading(stream.store) { store in
            var view = toolbox.view(of: stream.id)
            var last: RecordedEvent?
            try await store.walk(stream.id, to: at?.moment) { event in
                try view.take(event)
                last = event
            }
            guard let last else { return }
            try show(view.tree, last)
        }
    }

    private func show(_ tree: StateTree, _ last: RecordedEvent) throws {
        let console = Console.current
        guard !stream.json else {
            let state = JSONLine(tree.leaves.map { ($0.path, $0.value.json) })
            return try console.print(json: last.place + ["state": state])
        }
        console.note("as of revision \(last.revision), position \(last.position), \(last.recordedAt)")
        var table = Table(.left("WHAT"), .left("IS"))
        for leaf in tree.leaves { table.add(leaf.path, "\(leaf.value)") }
        try console.print(table, withTitle: false)
    }
}

/// `history STORE STREAM`.
package struct HistoryCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show what changed at each event of a stream.",
        discussion: """
            Examples:
              sillok history bank.sqlite account-1
              sillok history bank.sqlite account-1 --to 2026-11-23 --path cents
            """)

    @OptionGroup var stream: StreamArguments

    @Option(help: "Only up to this revision, position or time.")
    var to: MomentArgument?

    @Option(help: "Show only changes whose path contains this text.")
    var path: String?

    package init() {}

    package func run() async throws {
        let toolbox = Toolbox.current
        try await toolbox.reading(stream.store) { store in
            var view = toolbox.view(of: stream.id)
            var before = StateTree()
            try await store.walk(stream.id, to: to?.moment) { event in
                try view.take(event)
                let after = view.tree
                let changes = before.changes(to: after).filter { change in path.map { change.path.contains($0) } ?? true
                }
                before = after
                if path == nil || !changes.isEmpty { try show(event, changes) }
            }
        }
    }

    private func show(_ event: RecordedEvent, _ changes: [StateChange]) throws {
        let console = Console.current
        guard !stream.json else {
            return try console.print(json: event.place + ["type": event.type, "changes": changes.map(\.json)])
        }
        let actor = event.metadata.actor.map { " by \($0)" } ?? ""
        let title = "\(event.revision)  \(event.recordedAt)  \(event.type)\(actor)"
        try console.print(console.outputTerminal.styled(title.visible, .bold))
        for change in changes { try console.print("    \(change)".visible) }
    }
}

/// `diff STORE STREAM --from MOMENT --to MOMENT`.
package struct DiffCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show how a stream differs between two moments.",
        discussion: """
            Examples:
              sillok diff bank.sqlite account-1 --from 2026-11-01 --to 2026-12-01
              sillok diff bank.sqlite account-1 --from r7
            """)

    @OptionGroup var stream: StreamArguments

    @Option(help: "The first moment: a revision, a position or a time. The default is the beginning of the stream.")
    var from: MomentArgument?

    @Option(help: "The second moment: a revision, a position or a time. The default is now.")
    var to: MomentArgument?

    package init() {}

    package func run() async throws {
        let toolbox = Toolbox.current
        try await toolbox.reading(stream.store) { store in
            let before = try await tree(at: from?.moment ?? .revision(.none), in: store, toolbox)
            let after = try await tree(at: to?.moment, in: store, toolbox)
            guard let after else { throw NoSuchStream(stream: stream.id, moment: to?.moment) }
            try show((before ?? StateTree()).changes(to: after))
        }
    }

    /// Returns the state at a moment, or `nil` if the stream did not exist yet.
    private func tree(at moment: Moment?, in store: any EventStore, _ toolbox: Toolbox) async throws -> StateTree? {
        var view = toolbox.view(of: stream.id)
        do {
            try await store.walk(stream.id, to: moment) { try view.take($0) }
        } catch is NoSuchStream {
            return nil
        }
        return view.tree
    }

    private func show(_ changes: [StateChange]) throws {
        let console = Console.current
        guard !stream.json else {
            return try console.print(json: ["stream": stream.stream, "changes": changes.map(\.json)])
        }
        for change in changes { try console.print("\(change)".visible) }
        if changes.isEmpty { console.note("nothing differs") }
    }
}

extension RecordedEvent {
    /// The place and the time of the event.
    fileprivate var place: JSONLine {
        ["stream": stream?.text ?? "", "revision": revision, "position": position, "time": recordedAt]
    }
}

extension StateTree.Value {
    fileprivate var json: JSONText {
        var json = JSONWriter()
        json.write(self)
        return JSONText(json.bytes)
    }
}

extension StateChange {
    fileprivate var json: JSONLine { ["path": path, "before": before?.json, "after": after?.json] }
}
