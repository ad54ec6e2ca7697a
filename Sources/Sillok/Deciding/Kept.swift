package import SillokCore

/// A state that was kept, and where it is in its history.
package struct Kept<D: Decider>: Sendable {
    package let state: D
    package let place: KeptPlace
    /// Nothing further of it lies up to here.
    package let through: EventMark
    /// When its first event was recorded, if that is known.
    package var first: Timestamp?
    /// Where a snapshot of it was last taken.
    package var snapshot: KeptPlace?
    /// Whether a decision may rest on it without a look at the store, for the append will tell.
    package var isTrusted = false
    /// How large it was when it was measured, after how many events.
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

/// An event that a state has last taken.
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

/// Where in its history a state is.
package struct KeptPlace: Hashable, Sendable {
    /// How many stored events lead to it.
    package let events: UInt64
    /// The last of them.
    package let mark: KeptMark

    package init(events: UInt64, mark: KeptMark) {
        self.events = events
        self.mark = mark
    }
}

extension Moment {
    /// Whether the last event of a kept state is at or before the moment.
    package func includes(_ place: KeptPlace) -> Bool {
        switch self {
        case .revision(let revision): place.events <= revision.value
        case .position(let position): place.mark.position <= position
        case .time(let time): place.mark.recordedAt <= time
        }
    }
}
