import ArgumentParser
import Sillok
import SillokHistory
import SillokTerminal

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Show who changed what, when, why and by which command; or the causes and effects of an event.",
        discussion: """
            An event is shown if it matches all filters. --after and --before take a position or a time (RFC 3339, or a
            date in UTC). Both are exclusive. --causes-of shows the whole tree that an event belongs to: commands, the
            events that they caused, and the commands that reacted to these events.

            Examples:
              sillok audit bank.sqlite --stream account-42
              sillok audit bank.sqlite --actor ada --after 2026-11-01 --json | jq -r .reason
              sillok audit bank.sqlite --causes-of 1207
            """)

    @OptionGroup var store: StoreArgument

    @OptionGroup var which: QueryOptions

    @Option(help: "Only events that this person or service caused.")
    var actor: String?

    @Option(help: "Only events with this correlation id.")
    var correlation: String?

    @Option(help: "Only events of the command with this id.")
    var command: String?

    @OptionGroup var range: RangeOptions

    @Option(help: "Show the tree of causes of the event with this id or position.")
    var causesOf: String?

    @OptionGroup var show: ShowOptions

    func validate() throws {
        if let command, CommandID(command) == nil {
            throw ValidationError("--command \(command.visible) is not a UUID.")
        }
        if let causesOf, EventID(causesOf) == nil, UInt64(causesOf) == nil {
            throw ValidationError("--causes-of \(causesOf.visible) is neither a position nor a UUID.")
        }
    }

    func run() async throws {
        try await store.reading { store in
            if let causesOf { return try await showCauses(of: causesOf, in: store) }
            try await showChanges(in: store)
        }
    }

    private func showChanges(in store: any EventStore) async throws {
        let head = try await store.head()
        let bar = ProgressBar("Reading", total: head.value)
        defer { bar.finish(quietly: true) }
        var view = AuditView(isJSON: show.json)
        var rest = range.limit ?? .max
        for try await page in store.audit(query) {
            let events = page.events.prefix(rest)
            if !events.isEmpty {
                bar.clear()
                try view.print(Array(events))
            }
            rest -= events.count
            if rest == 0 { break }
            bar.update(to: range.backwards ? head.value - min(head, page.through).value : page.through.value)
            try Task.checkCancellation()
        }
        if view.count == 0 && !show.json { Console.current.note("no event matches") }
    }

    private var query: AuditQuery {
        AuditQuery(
            which.query, actor: actor, correlationID: correlation, commandID: command.flatMap { CommandID($0) },
            after: range.after?.bound, before: range.before?.bound, direction: range.direction)
    }

    private func showCauses(of place: String, in store: any EventStore) async throws {
        let event: RecordedEvent?
        if let position = UInt64(place) {
            event = try await store.read(.all, after: Position(position).previous, limit: 1).events.first
        } else if let id = EventID(place) {
            event = try await store.event(id)
        } else {
            event = nil
        }
        guard let event, UInt64(place).map({ event.position.value == $0 }) ?? true else {
            throw CommandFailure(.notFound, "there is no event \(place.visible) in this store")
        }
        let progress = StepProgress(console: .current)
        let tree = try await store.causes(of: event) { progress.update($0) }
        progress.finish()
        let view = CausalTreeView(tree: tree, marked: event.position, terminal: Console.current.outputTerminal)
        if show.json {
            for node in tree.nodes { try Console.current.print(json: ["depth": node.depth] + view.json(node)) }
        } else {
            for line in view.lines { try Console.current.print(line) }
        }
    }
}

/// Prints pages of events in the form of an audit.
private struct AuditView {
    let isJSON: Bool
    var count = 0

    mutating func print(_ events: [RecordedEvent]) throws {
        let console = Console.current
        defer { count += events.count }
        if isJSON {
            for event in events { try console.print(json: event.audited) }
            return
        }
        var table = Table(
            .right("AT"), .left("TIME"), .left("WHO"), .left("STREAM"), .left("WHAT"), .left("WHY"), .left("COMMAND"))
        for event in events {
            table.add(
                "\(event.position)", event.recordedAt.readable, event.metadata.actor ?? "–", event.shownPlace,
                event.type.text, event.metadata.reason ?? "–", event.metadata.commandID?.description ?? "–")
        }
        try console.print(table, withTitle: count == 0)
    }
}

extension RecordedEvent {
    /// Its stream and revision.
    var shownPlace: String { stream.map { "\($0.text)@\(revision)" } ?? "–" }

    /// What an audit says of it.
    var audited: JSONLine {
        [
            "position": position, "time": recordedAt, "id": id, "stream": stream,
            "revision": stream == nil ? nil : revision, "type": type, "actor": metadata.actor,
            "reason": metadata.reason, "command": metadata.commandID, "correlation": metadata.correlationID,
            "causation": metadata.causationID,
        ]
    }
}
