public import SillokCore

/// A moment in the history of a log: everything up to it, and with it, has happened.
public enum Moment: Hashable, Sendable, CustomStringConvertible {
    /// As of a revision of a stream.
    case revision(Revision)
    /// As of a position of the store.
    case position(Position)
    /// As of a time: all events that were recorded at it or before. Recorded times never fall, so these are all events up
    /// to one position.
    case time(Timestamp)

    /// What all of its events lie before.
    var end: ReadRequest.Bound {
        switch self {
        case .revision(let revision): .revision(revision.next)
        case .position(let position): .position(position.next)
        case .time(let time): .time(time.advanced(byMicroseconds: 1))
        }
    }

    /// Whether an event that is the so manieth of a stream has happened.
    func includes(_ place: KeptPlace) -> Bool {
        switch self {
        case .revision(let revision): place.events <= revision.value
        case .position(let position): place.mark.position <= position
        case .time(let time): place.mark.recordedAt <= time
        }
    }

    /// The revision, position or time.
    public var description: String {
        switch self {
        case .revision(let revision): "revision \(revision)"
        case .position(let position): "position \(position)"
        case .time(let time): "\(time)"
        }
    }
}

extension EventStore {
    /// The last position that had been recorded at a time; `Position.start` if nothing had.
    ///
    /// Takes one read, in which a store looks for the place by halves.
    public func position(at time: Timestamp) async throws -> Position {
        let request = ReadRequest(.all, before: Moment.time(time).end, direction: .backward, limit: 1)
        return try await read(request).events.first?.position ?? .start
    }
}

extension CommandHandler {
    /// The state of a key as it was at a moment, and the revision that it had then.
    ///
    /// Replayed from the nearest snapshot before the moment, if there is one, else from the beginning. A moment after the
    /// last event gives the state of now.
    public func state(of key: String, at moment: Moment) async throws -> (state: D, revision: Revision) {
        let subject = try await loaded(.init(stream: stream(of: key)), at: moment)
        return (subject.state, subject.revision)
    }
}

extension CommandHandler where D: BoundaryDecider {
    /// The state that a command would have been decided on at a moment; a revision is none to a boundary.
    public func state(for command: D.Command, at moment: Moment) async throws -> D {
        try await loaded(.init(boundary: D.boundary(of: command)), at: moment).state
    }
}
