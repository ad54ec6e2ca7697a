import ArgumentParser
import SillokCore
import SillokJSON
import SillokProcessOperations
import SillokTerminal

extension ProcessesCommand {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an instance: its state, its open work, and its history with causes.",
            discussion: """
                Each line of the history is a record with its position. What follows from one input is drawn below it.
                An arrow names the position of the cause: the event that was handled, or the step that ended.
                """)

        @OptionGroup var model: OperatedModel
        @Argument(help: "The process.") var name: String
        @Argument(help: "The key of the instance.") var key: String
        @OptionGroup var list: ListOptions

        func run() async throws {
            let cursor = try list.cursor { PageCursor($0) }
            try await model.with { [self] store, model in
                let operations = ProcessOperations(of: store, in: model)
                let detail = try await operations.instance(key, of: name)
                let page = try await operations.timeline(of: key, in: name, after: cursor, limit: list.limit)
                let console = Console.current
                if list.json {
                    if cursor == nil { try console.print(json: detail.json) }
                    for entry in page.elements { try console.print(json: entry.json) }
                } else {
                    if cursor == nil { try print(detail) }
                    let view = TimelineView(entries: page.elements, terminal: console.outputTerminal)
                    for line in view.lines { try console.print(line) }
                }
                if let next = page.next { console.note(next: next) }
            }
        }

        private func print(_ detail: InstanceDetail) throws {
            let console = Console.current
            let (instance, terminal) = (detail.summary, console.outputTerminal)
            try console.print(
                terminal.styled("\(name.visible) \(instance.key.visible)", .bold) + "  \(instance.state.rawValue)")
            var values = [
                ("stream", "\(detail.stream)"), ("records", detail.revision.value.grouped),
                ("generation", "\(instance.generation) of version \(instance.version)"),
                ("started", instance.startedAt?.readable ?? "never"),
            ]
            if let reason = instance.parkedBecause { values.append(("parked", reason)) }
            try console.print(values)
            if !detail.work.isEmpty { try console.print(ProcessWork.table(of: detail.work, hasKeys: false)) }
            try console.print("")
        }
    }
}

/// Draws the history of an instance: a line for each record, and what follows from an input below it.
struct TimelineView {
    let entries: [TimelineEntry]
    let terminal: Terminal

    var lines: [String] {
        let positions = Dictionary(entries.map { ($0.id, $0.position) }) { first, _ in first }
        let width = entries.last.map { "\($0.position)".count } ?? 0
        return entries.indices.map { index in
            let entry = entries[index]
            let isFollowing = isSameInput(index, index - 1)
            let branch = isFollowing ? (isSameInput(index, index + 1) ? "├─ " : "└─ ") : ""
            let time = isFollowing ? "" : entry.recordedAt.readable
            let arrow = isFollowing ? "" : cause(at: index, positions)
            return [
                terminal.styled("\(entry.position)".padded(to: width, onTheLeft: true), .bold),
                terminal.styled(time.padded(to: 24), .dim),
                terminal.styled(branch, .dim) + terminal.styled(entry.kind.visible, style(of: entry)),
                text(of: entry), terminal.styled(arrow, .cyan),
            ].filter { !$0.isEmpty }.joined(separator: "  ")
        }
    }

    /// Whether two neighbours follow from the same input.
    private func isSameInput(_ index: Int, _ other: Int) -> Bool {
        guard entries.indices.contains(other), let cause = entries[index].cause else { return false }
        return entries[other].cause == cause && entries[other].recordedAt == entries[index].recordedAt
    }

    private func style(of entry: TimelineEntry) -> Terminal.Style {
        switch entry.kind {
        case "parked", "effectFailed", "effectUnknown", "requestRefused": .red
        case "actRequested", "actEnded", "released", "inputSkipped": .yellow
        default: .green
        }
    }

    /// The cause of an entry and of those that follow from the same input. The event that was handled may be named by
    /// a later one of them.
    private func cause(at index: Int, _ positions: [EventID: Position]) -> String {
        var last = index
        while isSameInput(last, last + 1) { last += 1 }
        for case let source? in entries[index...last].map(\.source) {
            guard let position = source.position else { continue }
            return "← \(position)\(source.stream.map { " \($0.text.visible)" } ?? "")"
        }
        guard let cause = entries[index].cause else { return "" }
        return "← " + (positions[cause].map { "\($0)" } ?? "\(cause)")
    }

    private func text(of entry: TimelineEntry) -> String {
        var parts: [String] = []
        if let payload = entry.payload {
            parts.append(payload.description)
        } else if let name = entry.name {
            parts.append(name)
        }
        if let due = entry.due { parts.append("due \(due.readable)") }
        if entry.undoes != nil { parts.append("(takes back)") }
        if let result = entry.result, !result.isEmpty { parts.append("\"\(result)\"") }
        if entry.kind == "actRequested" {
            parts.append("by \(entry.actor ?? "an unknown operator"): \(entry.reason ?? "")")
        }
        return parts.joined(separator: " ").visible
    }
}

extension InstanceDetail {
    fileprivate var json: JSONLine {
        summary.json + ["stream": stream, "revision": revision, "work": work.map(\.json)]
    }
}

extension TimelineEntry {
    fileprivate var json: JSONLine {
        [
            "kind": kind, "id": id, "position": position, "revision": revision, "recordedAt": recordedAt,
            "cause": cause, "correlation": correlation, "source": source?.json, "step": step, "name": name,
            "payload": payload.map { JSONText($0.bytes) }, "undo": undo.map { JSONText($0.bytes) }, "undoes": undoes,
            "result": result, "due": due, "actor": actor, "reason": reason,
        ]
    }
}

extension SourceReference {
    fileprivate var json: JSONLine { ["event": event, "position": position, "stream": stream] }
}
