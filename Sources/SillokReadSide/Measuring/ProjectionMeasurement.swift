import SillokSQL

/// A measurement of one projection.
public enum ProjectionMeasurement: Hashable, Sendable {
    /// How far a live build is behind the log: in positions, and as the age of the oldest event that it has not
    /// handled.
    case lag(projection: String, events: UInt64, time: Duration)

    /// The number of events of a live build that are parked as dead letters.
    case deadLetters(projection: String, count: Int)

    /// The time from the beginning of a build until it reached the head of the log.
    case rebuild(projection: String, time: Duration)

    /// The reason why a projection stopped; `nil` if it runs, also if it runs again after a stop.
    case failure(projection: String, String?)

    /// The name of the projection.
    public var projection: String {
        switch self {
        case .lag(let projection, _, _), .deadLetters(let projection, _), .rebuild(let projection, _),
            .failure(let projection, _):
            projection
        }
    }
}

extension ProjectionStatus {
    /// The measurements of a live build; none of another build.
    package var measurements: [ProjectionMeasurement] {
        guard build.state == .live else { return [] }
        let name = build.id.name
        return [
            .failure(projection: name, build.failure), .deadLetters(projection: name, count: deadLetters),
            .lag(projection: name, events: behind, time: lagTime),
        ]
    }
}
