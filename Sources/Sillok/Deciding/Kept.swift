package import SillokCore

/// A kept state and its place in its history.
package struct Kept<D: Decider>: Sendable {
    package let state: D
    package let place: KeptPlace
    /// The history has no further event up to here.
    package let through: EventMark
    /// When the first event of the history was recorded, if known.
    package var first: Timestamp?
    /// The place of the last snapshot of the state.
    package var snapshot: KeptPlace?
    /// Whether a decision may use the state without reading the store, because the append checks it.
    package var isTrusted = false
    /// The measured size, and the number of events at that time.
    package var measured: (events: UInt64, bytes: Int)?

    package init(
        state: D, place: KeptPlace, through: EventMark, first: Timestamp?, snapshot: KeptPlace?,
        measured: (events: UInt64, bytes: Int)? = nil
    ) {
        self.state = state
        self.place = place
        self.through = through
        self.first = first
        self.snapshot = snapshot
        self.measured = measured
    }
}

/// The last event that was applied to a state.
package struct KeptMark: Hashable, Sendable {
    package let position: Position
    package let id: EventID
    package let recordedAt: Timestamp

    package init(position: Position, id: EventID, recordedAt: Timestamp) {
        self.position = position
        self.id = id
        self.recordedAt = recordedAt
    }
}

/// The place of a state in its history.
package struct KeptPlace: Hashable, Sendable {
    /// The number of stored events that lead to the state.
    package let events: UInt64
    /// The last of these events.
    package let mark: KeptMark

    package init(events: UInt64, mark: KeptMark) {
        self.events = events
        self.mark = mark
    }
}

extension Moment {
    /// Returns whether the last event of a kept state is at or before the moment.
    package func includes(_ place: KeptPlace) -> Bool {
        switch self {
        case .revision(let revision): place.events <= revision.value
        case .position(let position): place.mark.position <= position
        case .time(let time): place.mark.recordedAt <= time
        }
    }
}
