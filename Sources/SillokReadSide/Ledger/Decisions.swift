package import SillokCore
package import SillokSQL

/// What operators have decided about events that could not be projected. Decisions belong to the events, not to a
/// build: every later build follows them.
package struct Decisions: Sendable {
    /// What becomes of an event.
    package enum Decision: Hashable, Sendable {
        /// It is never projected.
        case skip
        /// This payload, as JSON, is projected instead of the event's own.
        case replace(String)
    }

    private let decisions: [EventID: Decision]

    package init(_ rows: [SQLRow] = []) throws {
        var decisions: [EventID: Decision] = [:]
        for row in rows {
            guard let event = row["event"].text.flatMap({ EventID($0) }) else {
                throw StoreError(.corrupt, "a decision of the read model cannot be read: \(row).")
            }
            switch (row["action"].text, row["replacement"].text) {
            case ("skip", _): decisions[event] = .skip
            case ("replace", let payload?): decisions[event] = .replace(payload)
            default: throw StoreError(.corrupt, "a decision of the read model cannot be read: \(row).")
            }
        }
        self.decisions = decisions
    }

    /// Whether there is none.
    package var isEmpty: Bool { decisions.isEmpty }

    /// Whether an event is never projected.
    package func skips(_ event: RecordedEvent) -> Bool { decisions[event.id] == .skip }

    /// The payload that is projected instead of an event's own, if there is one.
    package func replacement(of event: RecordedEvent) -> String? {
        guard case .replace(let payload)? = decisions[event.id] else { return nil }
        return payload
    }

    /// The event in the form that is projected.
    package func applied(to event: RecordedEvent) -> RecordedEvent { event.replacing(replacement(of: event)) }

    /// Records a decision about an event.
    package static func recording(_ decision: Decision, of event: EventID, in name: String) -> ReadModelWrite.Change {
        var (action, replacement) = ("skip", nil as String?)
        if case .replace(let payload) = decision { (action, replacement) = ("replace", payload) }
        return .init(
            """
            INSERT INTO sillok_decisions (projection, event, action, replacement)
            VALUES (\(name), \(event.description), \(action), \(replacement))
            ON CONFLICT (projection, event) DO UPDATE SET action = excluded.action, replacement = excluded.replacement
            """)
    }
}

extension RecordedEvent {
    /// The event with another payload, if there is one.
    package func replacing(_ payload: String?) -> RecordedEvent {
        guard let payload else { return self }
        var data = data
        data.payload = Array(payload.utf8)
        return RecordedEvent(
            position: position, stream: stream, revision: revision, recordedAt: recordedAt, tracking: tracking,
            data: data)
    }
}
