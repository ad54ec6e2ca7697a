/// A moment in the history of a log. Everything up to and including it has happened.
public enum Moment: Hashable, Sendable, CustomStringConvertible {
    /// As of a revision of a stream.
    case revision(Revision)
    /// As of a position of the store.
    case position(Position)
    /// As of a time: all events that were recorded at or before it. Recorded times never decrease, so these are all
    /// events up to one position.
    case time(Timestamp)

    /// The exclusive upper bound of the events at or before the moment.
    package var end: ReadRequest.Bound {
        switch self {
        case .revision(let revision): .revision(revision.next)
        case .position(let position): .position(position.next)
        case .time(let time): .time(time.advanced(byMicroseconds: 1))
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
    /// Returns the position of the last event that was recorded at or before `time`, or `Position.start` if there is
    /// none.
    ///
    /// Costs one read. The store finds the position by binary search.
    public func position(at time: Timestamp) async throws -> Position {
        let request = ReadRequest(.all, before: Moment.time(time).end, direction: .backward, limit: 1)
        return try await read(request).events.first?.position ?? .start
    }
}
