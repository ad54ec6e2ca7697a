public import Sillok
import SillokCore
import SillokJSON

extension CommandHandler where D.Command: Encodable {
    /// Returns a copy of this handler that also records each command with the first event of the command.
    ///
    /// The command is stored as JSON in the metadata, under `Metadata.Key.command`, so that a ``Past`` can decide it
    /// again by other rules. A command that is refused, or changes nothing, is not recorded. A command of more than 32
    /// KiB is not recorded either. A call of `transact(on:id:expecting:_:)` has no command to record.
    public func recordingCommands() -> CommandHandler {
        var handler = self
        handler.commandText = { command in
            guard let text = try? PlainCoding.encode(command), text.utf8.count <= 32 << 10 else { return nil }
            return text
        }
        return handler
    }
}

/// The events by which the state evolves when recorded commands are decided again.
public enum TrialCourse: Hashable, Sendable {
    /// By the recorded events: each command is decided on the recorded history.
    case recorded
    /// By the new events: those that each command leads to now, or none if it is now refused. Events without a recorded
    /// command are unchanged.
    case decided
}

extension Past {
    /// Compares two deciders over the same events: states and sums, and the commands that were recorded.
    ///
    /// The second decider decides each recorded command again, on its own state just before that command. The command
    /// is then refused, leads to other events, or leads to the same events. See `CommandHandler.recordingCommands()`.
    /// - Parameters:
    ///   - was: the decider that was in use.
    ///   - would: the decider to try.
    ///   - query: which events: a stream, a category, a tag, or any other query of events that belong to streams. An
    ///     item that has nothing but tags covers the types for which one of the deciders has cases, as in a boundary.
    ///   - course: which events the second decider evolves by.
    ///   - commands: commands that both deciders decide on their final states.
    ///   - limit: the maximum number of keys, and of commands, in the report.
    ///   - progress: called with the progress; must not block.
    public func compare<Was: Decider, Would: Decider>(
        deciders was: Was.Type, with would: Would.Type, over query: EventQuery, course: TrialCourse = .recorded,
        trying commands: [(stream: StreamID, command: Would.Command)] = [], limit: Int = 100,
        progress: @escaping @Sendable (_ done: Position, _ of: Position) -> Void = { _, _ in }
    ) async throws -> WhatIfReport where Would.Command: Codable {
        var trial = Trial<Was, Would>(course: course, limit: limit)
        let events = try await forEach(trial.stored(query, store.limits), nil, progress) { event in
            try trial.take(event)
            return true
        }
        try trial.closeAll()
        for (stream, command) in commands { try trial.attempt(command, on: stream) }
        trial.comparison.report.events = events
        trial.comparison.report.through = position
        trial.comparison.finish(limit: limit)
        trial.comparison.report.commands = trial.commands
        return trial.comparison.report
    }
}

/// Two deciders on their way through the same events.
private struct Trial<Was: Decider, Would: Decider> where Would.Command: Codable {
    /// A command whose events are being read.
    private struct Open {
        let id: CommandID?
        let stream: StreamID
        let position: Position
        let text: String
        let decided: Result<[ExactText], any Error>
        var recorded: [ExactText] = []
    }

    let course: TrialCourse
    let limit: Int
    var comparison = Comparison<Was, Would>()
    private(set) var commands = WhatIfReport.Commands()
    private var open: [Int: Open] = [:]
    private let wasCoding = EventCoding<Was.Event>()
    private let wouldCoding = EventCoding<Would.Event>()

    init(course: TrialCourse, limit: Int) { (self.course, self.limit) = (course, limit) }

    /// The events of a query that count: where it names tags alone, those of types that a decider has cases for.
    func stored(_ query: EventQuery, _ limits: Limits) -> EventQuery {
        let isByTags = { (item: EventQuery.Item) in item.stream == nil && item.category == nil && !item.tags.isEmpty }
        let was = wasCoding.storedBoundary(query, limits, where: isByTags)
        let would = wouldCoding.storedBoundary(query, limits, where: isByTags)
        return was == would ? was : was.or(would)
    }

    mutating func take(_ event: RecordedEvent) throws {
        let stream = event.stream ?? ""
        let index = comparison.index(of: stream) { .init(was: Was(), would: Would()) }
        let text = event.metadata.isEmpty ? nil : event.metadata[Metadata.Key.command]
        if let current = open[index], text != nil || event.metadata.commandID != current.id { close(index) }
        if let text { try begin(text, event, stream, index) }
        let was = try wasCoding.decode(event)
        comparison.evolve(index) { pair in for event in was { pair.was.evolve(event) } }
        let would = try was as? [Would.Event] ?? wouldCoding.decode(event)
        let isDecided = open[index] != nil
        if !(isDecided && course == .decided) {
            comparison.evolve(index) { pair in for event in would { pair.would.evolve(event) } }
        }
        if isDecided {
            let recorded = try would.map { try line($0) }
            open[index]?.recorded += recorded
        }
    }

    mutating func closeAll() throws {
        for index in open.keys.sorted() { close(index) }
        commands.changes.sort { ($0.position ?? .start, $0.key) < ($1.position ?? .start, $1.key) }
    }

    /// Decides a command on the final states.
    mutating func attempt(_ command: Would.Command, on stream: StreamID) throws {
        let index = comparison.index(of: stream) { .init(was: Was(), would: Would()) }
        guard let same = command as? Was.Command else { return commands.unreadable += 1 }
        commands.decided += 1
        let pair = comparison.pairs[index]
        let was = Result { try pair.was.decide(same) }
        let would = Result { try pair.would.decide(command) }
        let ending: WhatIfReport.Commands.Ending
        switch (was, would) {
        case (.success, .failure(let refusal)):
            commands.refused += 1
            ending = .refused("\(refusal)")
        case (.failure(let refusal), .success):
            commands.accepted += 1
            ending = .accepted("\(refusal)")
        default: return
        }
        note(.init(key: stream.text, position: nil, command: try PlainCoding.encode(command), ending: ending))
    }

    private mutating func begin(_ text: String, _ event: RecordedEvent, _ stream: StreamID, _ index: Int) throws {
        guard let command = try? PlainCoding.decode(Would.Command.self, from: text) else {
            return commands.unreadable += 1
        }
        let state = comparison.pairs[index].would
        let decided = Result { try state.decide(command) }
        if course == .decided, case .success(let events) = decided {
            let stored = try events.map {
                try wouldCoding.stored($0, id: event.id, tags: [], metadata: Metadata()).event
            }
            comparison.evolve(index) { pair in for event in stored { pair.would.evolve(event) } }
        }
        open[index] = Open(
            id: event.metadata.commandID, stream: stream, position: event.position, text: text,
            decided: Result { try decided.get().map { try line($0) } })
    }

    private mutating func close(_ index: Int) {
        guard let command = open.removeValue(forKey: index) else { return }
        commands.decided += 1
        let ending: WhatIfReport.Commands.Ending
        switch command.decided {
        case .failure(let refusal):
            commands.refused += 1
            ending = .refused("\(refusal)")
        case .success(let events) where events != command.recorded:
            commands.otherEvents += 1
            ending = .otherEvents(was: command.recorded.map(\.text), would: events.map(\.text))
        case .success: return
        }
        note(.init(key: command.stream.text, position: command.position, command: command.text, ending: ending))
    }

    private mutating func note(_ change: WhatIfReport.Commands.Change) {
        if commands.changes.count < limit { commands.changes.append(change) }
    }

    /// Returns the recorded form of an event as one line.
    private func line(_ event: Would.Event) throws -> ExactText {
        let data = try wouldCoding.encode(event)
        return ExactText("\(data.type) \(String(decoding: data.payload, as: UTF8.self))")
    }
}
