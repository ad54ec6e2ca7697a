public import SillokCore
import SillokJSON
public import SillokSQL

/// An event that a projection took and could not project, or that waits behind such a one.
public struct DeadLetter: Hashable, Sendable {
    /// What becomes of it at the moment.
    public enum State: String, Sendable {
        /// It could not be projected, and is not tried again unless an operator asks for it.
        case failed
        /// It could not be projected yet, or follows such an event. It is tried again without an operator.
        case retrying
        /// It waits behind one of its sequence that could not.
        case behind
        /// Somebody wants it tried again; the application does it.
        case retry
        /// Somebody said that it is never to be projected.
        case skipped
    }

    /// The build that has it.
    public let projection: ProjectionID
    /// Where the event is in the log.
    public let position: Position
    /// The event.
    public let event: EventID
    /// The kind of the event.
    public let type: EventType
    /// Its stream, if it has one.
    public let stream: StreamID?
    /// The sequence that it holds up.
    public let sequence: String
    /// What becomes of it.
    public let state: State
    /// Why it could not be projected.
    public let reason: String
    /// How often it was tried.
    public let attempts: Int
    /// When it was parked.
    public let parkedAt: Timestamp
    /// The payload, as JSON, that is projected instead of the event's own; the log keeps that.
    public let replacement: String?

    let partition: Int

    init(_ row: SQLRow) throws {
        projection = try ProjectionID(row)
        position = try row.position("position")
        guard let event = row["event"].text.flatMap({ EventID($0) }) else {
            throw StoreError(.corrupt, "a dead letter of \(projection) at \(position) cannot be read.")
        }
        self.event = event
        type = EventType(try row.text("type"))
        let stream = try row.text("stream")
        self.stream = stream.isEmpty ? nil : StreamID(stream)
        sequence = try row.text("sequence")
        state = try row.choice("state")
        reason = try row.text("error")
        attempts = try row.count("attempts")
        parkedAt = try row.time("parked")
        replacement = row["replacement"].text
        partition = try row.count("partition")
    }
}

extension ReadSide {
    /// The dead letters of a projection's live build in the order of the log, or of all projections.
    ///
    /// - Parameters:
    ///   - name: the projection; `nil`: all.
    ///   - sequence: only those of a sequence.
    ///   - position: only those after it.
    ///   - limit: how many at most.
    public func deadLetters(
        of name: String? = nil, sequence: String? = nil, after position: Position = .start, limit: Int = 100
    ) async throws -> [DeadLetter] {
        var letters: [DeadLetter] = []
        for build in try await ledger.builds(of: name) where build.state == .live {
            let filter: SQL = sequence.map { "AND sequence = \($0)" } ?? ""
            letters += try await readModel.ownRows(
                """
                SELECT * FROM sillok_dead_letters \(Ledger.whose(build.id)) \(filter) AND position > \(position)
                ORDER BY position LIMIT \(limit)
                """
            ).map { try DeadLetter($0) }
        }
        return letters
    }

    /// How many dead letters a projection's live build has in any of some states.
    package func countLetters(
        of name: String, sequence: String? = nil, in states: [DeadLetter.State]
    ) async throws -> Int {
        let live = try await live(name)
        let filter: SQL = sequence.map { "AND sequence = \($0)" } ?? ""
        let rows = try await readModel.ownRows(
            """
            SELECT state, COUNT(*) AS letters FROM sillok_dead_letters \(Ledger.whose(live.id)) \(filter) GROUP BY state
            """)
        return try rows.filter { row in states.contains(try row.choice("state")) }
            .reduce(0) { $0 + (try $1.count("letters")) }
    }

    /// A dead letter with its event, as the log has it.
    ///
    /// - Throws: ``ProjectionRefusal`` if there is none at that position.
    public func deadLetter(
        of name: String, at position: Position
    ) async throws -> (letter: DeadLetter, event: RecordedEvent) {
        let letter = try await letter(name, position)
        return (letter, try await store.deadLetter(letter.event.description, at: position))
    }

    /// Has the dead letters of a projection tried again, each sequence in its order and each event once; answers how
    /// many there are to try.
    ///
    /// - Parameters:
    ///   - name: the projection.
    ///   - sequence: only this sequence; `nil`: all.
    ///   - whom: who wants it.
    @discardableResult
    public func retry(_ name: String, sequence: String? = nil, by whom: Operator) async throws -> Int {
        let live = try await live(name)
        let filter: SQL = sequence.map { "AND sequence = \($0)" } ?? ""
        let whose: SQL = "\(Ledger.whose(live.id)) \(filter) AND state <> 'skipped'"
        let rows = try await readModel.ownRows("SELECT COUNT(*) AS letters FROM sillok_dead_letters \(whose)")
        let count = try rows.first?.count("letters") ?? 0
        guard count > 0 else { return 0 }
        try await write([
            .init("UPDATE sillok_dead_letters SET state = 'retry' \(whose)"), Self.rouse(live.id),
            whom.did("retry", to: live.id, detail: sequence ?? "all", at: wallClock.now()),
        ])
        return count
    }

    /// Says that an event is never to be projected, and has what waits behind it tried. Every other build of the
    /// projection follows this decision too, also those that are made later.
    ///
    /// - Parameters:
    ///   - name: the projection.
    ///   - position: where the event is.
    ///   - whom: who wants it.
    /// - Throws: ``ProjectionRefusal`` if there is no dead letter at that position.
    public func skip(_ name: String, at position: Position, by whom: Operator) async throws {
        try await settle(name, position, .skip, "\(position)", whom)
    }

    /// Has another payload projected instead of an event's own, which stays in the log as it is, and then what waits
    /// behind it. Every other build of the projection follows this decision too, also those that are made later.
    ///
    /// - Parameters:
    ///   - name: the projection.
    ///   - position: where the event is.
    ///   - payload: JSON.
    ///   - whom: who wants it.
    /// - Throws: ``ProjectionRefusal`` if there is no dead letter at that position, or the payload is no JSON.
    public func replace(
        _ name: String, at position: Position, with payload: String, by whom: Operator
    ) async throws {
        if let error = JSONReader.syntaxError(of: Array(payload.utf8)) {
            throw ProjectionRefusal("The payload is no JSON: \(error).")
        }
        try await settle(name, position, .replace(payload), "\(position): \(payload)", whom)
    }

    /// Decides about an event, in all builds that have it as a dead letter, and for those that will come to it.
    private func settle(
        _ name: String, _ position: Position, _ decision: Decisions.Decision, _ detail: String, _ whom: Operator
    ) async throws {
        let letter = try await letter(name, position)
        let whose = Ledger.whose(letter.projection)
        var (action, change): (String, SQL) = ("skip", "state = 'skipped'")
        if case .replace(let payload) = decision {
            (action, change) = ("replace", "state = 'retry', replacement = \(payload)")
        }
        let state = ReadModelWrite.Condition(
            "SELECT state FROM sillok_dead_letters \(whose) AND position = \(position)",
            gives: [[.text(letter.state.rawValue)]])
        try await write(
            [
                .init(
                    """
                    UPDATE sillok_dead_letters SET state = 'retry' WHERE projection = \(name) AND state <> 'skipped'
                    AND sequence IN (SELECT sequence FROM sillok_dead_letters WHERE projection = \(name)
                        AND event = \(letter.event.description))
                    """),
                .init(
                    """
                    UPDATE sillok_dead_letters SET \(change) WHERE projection = \(name)
                    AND event = \(letter.event.description)
                    """),
                Decisions.recording(decision, of: letter.event, in: name),
                .init("UPDATE sillok_checkpoints SET epoch = epoch + 1 WHERE projection = \(name)"),
                whom.did(action, to: letter.projection, detail: detail, at: wallClock.now()),
            ], if: [state])
    }

    private func letter(_ name: String, _ position: Position) async throws -> DeadLetter {
        let live = try await live(name)
        let rows = try await readModel.ownRows(
            "SELECT * FROM sillok_dead_letters \(Ledger.whose(live.id)) AND position = \(position)")
        guard let row = rows.first else {
            throw ProjectionRefusal("\(live.id) has no dead letter at \(position).")
        }
        return try DeadLetter(row)
    }
}

extension EventStore {
    /// The event that a dead letter is of; another event at its place would be another history.
    package func deadLetter(_ id: String?, at position: Position) async throws -> RecordedEvent {
        guard let id = id.flatMap({ EventID($0) }), let event = try await event(id), event.position == position else {
            throw StoreError(
                .storeChanged,
                "the event \(id ?? "") of a dead letter is not at \(position) of the store any "
                    + "more: the store is another "
                    + "one, or an older copy. Rebuild the projection.")
        }
        return event
    }
}
