import SillokCore
import SillokStorage

/// The events of the group that is being written: the thread that appends sees them, and no other reader does.
struct PendingEvents {
    /// One event, from which a recorded event is made only if it is asked for.
    struct Event {
        let append: PreparedAppend
        let index: Int
        let revision: Revision
        let recorded: Int64
    }

    /// The last position before the group.
    let start: Int64
    private var events: [Event] = []

    init(after start: Int64) { self.start = start }

    mutating func append(_ event: Event) { events.append(event) }

    /// Returns the event at a position; `nil` if it is not one of the group.
    func event(at position: Int64) -> RecordedEvent? {
        guard let event = self[position] else { return nil }
        let request = event.append.request
        let entry = request.entries[event.index]
        return RecordedEvent(
            position: Position(UInt64(clamping: position)), stream: entry.stream, revision: event.revision,
            recordedAt: Timestamp(microsecondsSince1970: event.recorded), tracking: request.tracking?.withoutEvent,
            data: entry.event)
    }

    subscript(position: Int64) -> Event? {
        let index = Int(position - start) - 1
        return position > start && index < events.count ? events[index] : nil
    }
}
