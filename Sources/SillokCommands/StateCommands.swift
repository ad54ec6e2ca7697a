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

    @Flag(help: "Print JSON for machines, one object a line.")
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
        abstract: "Show what a stream comes to, now or at a moment.",
        discussion: """
            A moment is a revision of the stream (r7), a position of the store (1200), or a time: everything up to and
            with it has happened. Without the application's code a state is what the events of each type last said, and
            how many there were; a tool with the application's deciders shows their states.

            Examples:
              sillok state bank.sqlite account-1
              sillok state bank.sqlite account-1 --at 2026-11-23T18:00:00Z --json
            """)

    @OptionGroup var stream: StreamArguments

    @Option(help: "As of this revision, position or time.")
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
            var json = JSONWriter()
            json.beginObject()
            json.place(of: last)
            json.key("state")
            json.beginObject()
            for leaf in tree.leaves {
                json.key(leaf.path)
                json.write(leaf.value)
            }
            json.endObject()
            json.endObject()
            json.endLine()
            return try console.output.write(json.bytes)
        }
        console.note("as of revision \(last.revision), position \(last.position), \(last.recordedAt)")
        var table = Table(.left("WHAT"), .left("IS"))
        for leaf in tree.leaves { table.add(leaf.path, "\(leaf.value)") }
        for line in table.lines(for: console.outputTerminal).dropFirst() { try console.print(line) }
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

    @Option(help: "Only changes of places whose name has this in it.")
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
            var json = JSONWriter()
            json.beginObject()
            json.place(of: event)
            json.key("type")
            json.string(event.type.text)
            json.write(changes)
            json.endObject()
            json.endLine()
            return try console.output.write(json.bytes)
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

    @Option(help: "From this revision, position or time on; the beginning unless said otherwise.")
    var from: MomentArgument?

    @Option(help: "Up to this revision, position or time; now unless said otherwise.")
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
            var json = JSONWriter()
            json.beginObject()
            json.key("stream")
            json.string(stream.stream)
            json.write(changes)
            json.endObject()
            json.endLine()
            return try console.output.write(json.bytes)
        }
        for change in changes { try console.print("\(change)".visible) }
        if changes.isEmpty { console.note("nothing differs") }
    }
}

extension JSONWriter {
    /// Writes the place and the time of an event.
    fileprivate mutating func place(of event: RecordedEvent) {
        key("stream")
        string(event.stream?.text ?? "")
        key("revision")
        integer(event.revision.value)
        key("position")
        integer(event.position.value)
        key("time")
        string(event.recordedAt.description)
    }

    fileprivate mutating func write(_ changes: [StateChange]) {
        key("changes")
        beginArray()
        for change in changes {
            beginObject()
            members(of: change)
            endObject()
        }
        endArray()
    }
}
