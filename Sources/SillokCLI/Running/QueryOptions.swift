import ArgumentParser
import Sillok

/// Which events a command looks at.
struct QueryOptions: ParsableArguments {
    @Option(help: "Only the events of this stream.")
    var stream: String?

    @Option(help: "Only the events of streams of this category: the part of a name before the first dash.")
    var category: String?

    @Option(help: "Only events of this type. If you repeat the option, events of any of the types.")
    var type: [String] = []

    @Option(help: "Only events with this tag. If you repeat the option, events with all of the tags.")
    var tag: [String] = []

    var query: EventQuery {
        EventQuery([
            EventQuery.Item(
                stream: stream.map { StreamID($0) }, category: category.map { StreamCategory($0) },
                types: type.map { EventType($0) }, tags: tag.map { EventTag($0) })
        ])
    }
}

/// Which part of the events of a query a command shows, and in which order.
struct RangeOptions: ParsableArguments {
    @Option(help: "Only events after this position or time.")
    var after: Place?

    @Option(help: "Only events before this position or time.")
    var before: Place?

    @Flag(help: "From the newest to the oldest.")
    var backwards = false

    @Option(help: "At most this many events.")
    var limit: Int?

    var direction: ReadRequest.Direction { backwards ? .backward : .forward }

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }
}

/// A place in the log as the command line says it: `1200`, `2026-11-23`, `2026-11-23T09:15:00Z`.
struct Place: ExpressibleByArgument {
    /// A position, a token (a position and the id of its event), or a recorded time.
    let bound: ReadRequest.Bound

    init?(argument: String) {
        if let position = UInt64(argument) {
            bound = .position(Position(position))
        } else if let mark = EventMark(argument) {
            bound = .mark(mark)
        } else if let time = Timestamp(argument) {
            bound = .time(time)
        } else {
            return nil
        }
    }
}
