package import SillokCore

/// Where the replay of a state starts, and where the states go that a command ends with.
///
/// ``Replay`` starts before the first event. A source that keeps states wraps another source, which it asks for the
/// states that it does not have.
package protocol StateSource<D>: Sendable {
    associatedtype D: Decider

    /// Returns a state of a subject, as of a moment or now, from which only later events have to be replayed.
    ///
    /// - Returns: `nil` if all events have to be replayed.
    func start(of subject: Subjects<D>.Subject, at moment: Moment?) async -> ReplayStart<D>?

    /// Returns whether a state that once came from this source may still be used.
    func accepts(_ start: ReplayStart<D>) -> Bool

    /// Keeps the states that were replayed, as of a moment or now.
    func keep(_ subjects: inout Subjects<D>, at moment: Moment?)
}

extension StateSource {
    /// Returns subjects with the states from which they are replayed.
    func started(_ subjects: [Subjects<D>.Subject], at moment: Moment? = nil) async -> [Subjects<D>.Subject] {
        var subjects = subjects
        for index in subjects.indices { subjects[index].start = await start(of: subjects[index], at: moment) }
        return subjects
    }
}

/// The source that replays all events of a state and keeps nothing.
package struct Replay<D: Decider>: StateSource {
    package init() {}
    package func start(of subject: Subjects<D>.Subject, at moment: Moment?) async -> ReplayStart<D>? { nil }
    package func accepts(_ start: ReplayStart<D>) -> Bool { true }
    package func keep(_ subjects: inout Subjects<D>, at moment: Moment?) {}
}

/// A state, and its place in its history.
package struct ReplayStart<D: Decider>: Sendable {
    package let state: D
    package let place: HistoryPlace
    /// The history has no further event up to here.
    package let through: EventMark
    /// When the first event of the history was recorded, if known.
    package let first: Timestamp?
    /// The place of the newest state of this history that is stored outside of the process.
    package let stored: HistoryPlace?
    /// Whether a decision may use the state before the log is read, because the condition of the append checks it.
    package var isUsableUnread = false

    package init(
        state: D, place: HistoryPlace, through: EventMark, first: Timestamp? = nil, stored: HistoryPlace? = nil
    ) {
        (self.state, self.place, self.through, self.first, self.stored) = (state, place, through, first, stored)
    }
}

/// The last event that was applied to a state.
package struct HistoryPlace: Hashable, Sendable {
    /// The number of stored events that lead to the state.
    package let events: UInt64
    package let position: Position
    package let id: EventID
    package let recordedAt: Timestamp

    package init(events: UInt64, position: Position, id: EventID, recordedAt: Timestamp) {
        (self.events, self.position, self.id, self.recordedAt) = (events, position, id, recordedAt)
    }
}
