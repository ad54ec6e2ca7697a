public import SillokCore
import SillokJSON
public import SillokSQL

/// An event that a projection could not project, or that waits behind such an event.
public struct DeadLetter: Hashable, Sendable {
    /// The state of a dead letter.
    public enum State: String, Sendable {
        /// It could not be projected, and is not retried unless an operator requests it.
        case failed
        /// It could not be projected yet, or waits behind such an event. It is retried without an operator.
        case retrying
        /// It waits behind a dead letter of its sequence that only an operator can resolve.
        case behind
        /// An operator requested a retry; the application executes it.
        case retry
        /// An operator decided that it is never projected.
        case skipped
    }

    /// The build to which it belongs.
    public let projection: ProjectionID
    /// The position of the event.
    public let position: Position
    /// The id of the event.
    public let event: EventID
    /// The type of the event.
    public let type: EventType
    /// The stream of the event, if it has one.
    public let stream: StreamID?
    /// The sequence of the event, whose later events wait for it.
    public let sequence: String
    /// The state of the dead letter.
    public let state: State
    /// Why the event could not be projected.
    public let reason: String
    /// The number of attempts.
    public let attempts: Int
    /// When it was parked.
    public let parkedAt: Timestamp
    /// The payload, as JSON, that is projected instead of the event's own. The log keeps the original.
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
    /// Returns the dead letters of the live build of a projection, or of all projections one after the other. Those of
    /// one projection are in the order of the log.
    ///
    /// - Parameters:
    ///   - name: the projection; `nil` means all.
    ///   - sequence: limits the result to this sequence.
    ///   - position: limits the result to dead letters after this position.
    ///   - limit: the maximum number of dead letters of each projection.
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

    /// Returns the number of dead letters of a projection's live build in any of some states.
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

    /// Returns a dead letter with its event from the log.
    ///
    /// - Throws: ``ProjectionRefusal`` if there is none at that position; `StoreError` `storeChanged` if the log does
    ///   not have the event there.
    public func deadLetter(
        of name: String, at position: Position
    ) async throws -> (letter: DeadLetter, event: RecordedEvent) {
        let letter = try await letter(name, position)
        return (letter, try await store.deadLetter(letter.event.description, at: position))
    }

    /// Requests a retry of the dead letters of a projection. The events of a sequence are retried in order, each with
    /// one attempt. Returns the number of dead letters to retry.
    ///
    /// - Parameters:
    ///   - name: the projection.
    ///   - sequence: limits the retry to this sequence; `nil` means all.
    ///   - whom: the operator who requests it.
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

    /// Decides that an event is never projected, and requests a retry of the events behind it. Every other build of the
    /// projection follows this decision too, including later builds.
    ///
    /// - Parameters:
    ///   - name: the projection.
    ///   - position: the position of the event.
    ///   - whom: the operator who requests it.
    /// - Throws: ``ProjectionRefusal`` if there is no dead letter at that position.
    public func skip(_ name: String, at position: Position, by whom: Operator) async throws {
        try await settle(name, position, .skip, "\(position)", whom)
    }

    /// Replaces the payload of an event for the projection, and requests a retry of it and of the events behind it. The
    /// log does not change. Every other build of the projection follows this decision too, including later builds.
    ///
    /// - Parameters:
    ///   - name: the projection.
    ///   - position: the position of the event.
    ///   - payload: the new payload as JSON.
    ///   - whom: the operator who requests it.
    /// - Throws: ``ProjectionRefusal`` if there is no dead letter at that position, or the payload is not JSON.
    public func replace(
        _ name: String, at position: Position, with payload: String, by whom: Operator
    ) async throws {
        if let error = JSONReader.syntaxError(of: Array(payload.utf8)) {
            throw ProjectionRefusal("The payload is no JSON: \(error).")
        }
        try await settle(name, position, .replace(payload), "\(position): \(payload)", whom)
    }

    /// Records a decision about an event in all builds that have it as a dead letter, and for later builds.
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
            throw ProjectionRefusal("\(live.id) has no dead letter at position \(position).")
        }
        return try DeadLetter(row)
    }
}

extension EventStore {
    /// Returns the event of a dead letter. Throws if the log has another event at that position.
    package func deadLetter(_ id: String?, at position: Position) async throws -> RecordedEvent {
        guard let id = id.flatMap({ EventID($0) }), let event = try await event(id), event.position == position else {
            throw StoreError(
                .storeChanged,
                "the event \(id ?? "") of a dead letter is not at position \(position) of the log: the store was "
                    + "replaced by another one, or restored from an older copy. Rebuild the projection.")
        }
        return event
    }
}
