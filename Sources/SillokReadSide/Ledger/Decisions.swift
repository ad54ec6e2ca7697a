package import SillokCore
package import SillokSQL

/// The decisions of operators about events that could not be projected. A decision belongs to an event, not to a build,
/// so every later build follows it.
package struct Decisions: Sendable {
    /// The treatment of an event.
    package enum Decision: Hashable, Sendable {
        /// The event is never projected.
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

    /// Whether there is no decision.
    package var isEmpty: Bool { decisions.isEmpty }

    /// Returns whether an event is never projected.
    package func skips(_ event: RecordedEvent) -> Bool { decisions[event.id] == .skip }

    /// Returns the payload that is projected instead of the event's own, if there is one.
    package func replacement(of event: RecordedEvent) -> String? {
        guard case .replace(let payload)? = decisions[event.id] else { return nil }
        return payload
    }

    /// Returns the event in the form that is projected.
    package func applied(to event: RecordedEvent) -> RecordedEvent { event.replacing(replacement(of: event)) }

    /// Returns the change that records a decision about an event.
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
    /// Returns the event with another payload, if one is given.
    package func replacing(_ payload: String?) -> RecordedEvent {
        guard let payload else { return self }
        var data = data
        data.payload = Array(payload.utf8)
        return RecordedEvent(
            position: position, stream: stream, revision: revision, recordedAt: recordedAt, tracking: tracking,
            data: data)
    }
}
