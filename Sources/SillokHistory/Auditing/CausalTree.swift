public import SillokCore

/// A tree of causes and effects: commands, their events, the commands that reacted to those, and so on.
public struct CausalTree: Hashable, Sendable {
    /// The subject of a node of the tree.
    public enum Subject: Hashable, Sendable {
        /// A command. Its details are in the metadata of its events, which follow.
        case command(CommandID)
        /// An event.
        case event(RecordedEvent)
        /// A cause that is not in the log, such as the id of a request or of a message of another system.
        case outside(String)
    }

    /// A place in the tree.
    public struct Node: Hashable, Sendable {
        /// The command, event or outside cause.
        public let subject: Subject
        /// The number of causes above it in the tree.
        public let depth: Int
    }

    /// The nodes, each followed by its effects, in the order of the log.
    public let nodes: [Node]

    /// The events of the tree, cause before effect.
    public var events: [RecordedEvent] {
        nodes.compactMap { if case .event(let event) = $0.subject { event } else { nil } }
    }
}

extension EventStore {
    /// Returns the whole tree that an event belongs to: up to its first cause, and down to all effects of that cause.
    ///
    /// Causes are found by their ids. Effects are searched for in one pass over the log from the first cause on. Memory
    /// grows only with the tree.
    /// - Parameters:
    ///   - event: an event of this store.
    ///   - progress: called at intervals with the progress.
    /// - Throws: the errors of the store; `CancellationError`.
    public func causes(
        of event: RecordedEvent, progress: @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> CausalTree {
        let first = try await firstCause(of: event)
        var growth = CausalGrowth(first)
        // The effects of an outside cause may be anywhere in the log, so the search begins at the start.
        let start: Position = growth.isOutside ? .start : try await self.start(of: first).previous
        for try await page in pages(ReadRequest(after: .position(start), limit: limits.pageEvents)) {
            for event in page.events { growth.add(event) }
            progress(
                WorkProgress(
                    step: "events", done: page.through.value - min(start, page.through).value,
                    total: page.head.value - min(start, page.head).value))
            try Task.checkCancellation()
        }
        return growth.tree
    }

    /// The event at the top, above which there is a command, something outside, or nothing.
    private func firstCause(of event: RecordedEvent) async throws -> RecordedEvent {
        var event = event
        while let id = event.causingEvent, let cause = try await self.event(id), cause.position < event.position {
            event = cause
        }
        return event
    }

    /// Where the events of the command that led to an event begin.
    private func start(of event: RecordedEvent) async throws -> Position {
        guard let command = event.metadata.commandID else { return event.position }
        let first = try await self.event(EventID(high: command.high, low: command.low))
        guard let first, first.metadata.commandID == command else { return event.position }
        return min(first.position, event.position)
    }
}

extension RecordedEvent {
    /// The event that it says caused it: not when its own command did.
    fileprivate var causingEvent: EventID? {
        guard let cause = exact(Metadata.Key.causationID), cause != exact(Metadata.Key.commandID) else { return nil }
        return EventID(cause.text)
    }

    /// The value of a key of its metadata.
    fileprivate func exact(_ key: String) -> ExactText? {
        metadata[key].map { ExactText($0) }
    }
}

/// A tree that grows while the log is read forwards: a cause is there before what it causes.
private struct CausalGrowth {
    private struct Entry {
        let subject: CausalTree.Subject
        var effects: [Int] = []
    }

    private var entries: [Entry] = []
    private var commands: [ExactText: Int] = [:]
    private var events: [ExactText: Int] = [:]
    private let outside: ExactText?
    private let root: RecordedEvent

    /// Creates a tree with the first event below its command, or below its outside cause.
    init(_ first: RecordedEvent) {
        root = first
        let cause = first.exact(Metadata.Key.causationID)
        let command = first.exact(Metadata.Key.commandID)
        outside = cause == command ? nil : cause
        if let outside {
            entries.append(Entry(subject: .outside(outside.text)))
        } else if let command, let id = first.metadata.commandID {
            entries.append(Entry(subject: .command(id)))
            commands[command] = 0
        }
    }

    var isOutside: Bool { outside != nil }

    /// Adds an event if its cause is in the tree.
    mutating func add(_ event: RecordedEvent) {
        let command = event.exact(Metadata.Key.commandID)
        if let command, let known = commands[command] { return append(event, under: known) }
        let cause = event.exact(Metadata.Key.causationID)
        guard let above = cause.flatMap({ $0 == outside ? 0 : events[$0] }) else {
            // The first event is the root if it has no cause.
            if event.id == root.id { append(event, under: nil) }
            return
        }
        guard let command, let id = event.metadata.commandID else { return append(event, under: above) }
        commands[command] = entries.count
        append(.command(id), under: above)
        append(event, under: entries.count - 1)
    }

    private mutating func append(_ event: RecordedEvent, under above: Int?) {
        events[ExactText(event.id.description)] = entries.count
        append(.event(event), under: above)
    }

    private mutating func append(_ subject: CausalTree.Subject, under above: Int?) {
        if let above { entries[above].effects.append(entries.count) }
        entries.append(Entry(subject: subject))
    }

    /// The tree in the order in which it is read. Not by recursion: a chain of causes may be long.
    var tree: CausalTree {
        var nodes: [CausalTree.Node] = []
        var rest = entries.isEmpty ? [] : [(index: 0, depth: 0)]
        while let (index, depth) = rest.popLast() {
            nodes.append(CausalTree.Node(subject: entries[index].subject, depth: depth))
            rest += entries[index].effects.reversed().map { ($0, depth + 1) }
        }
        return CausalTree(nodes: nodes)
    }
}
