import SillokCore

/// The events that an instance has handled: the last ones by their ids, and the older ones in the log only.
///
/// So the memory of an instance does not grow with its history. An event up to ``forgotten`` that is not among the last
/// ones may have been handled. Then the log is asked, whose records have ids that follow from the event.
package struct HandledEvents: Hashable, Sendable, Codable {
    package static let limit = 1024

    private var ids: Set<EventID> = []
    private var order: [Entry] = []
    private var next = 0
    /// The greatest position among the events that are no longer known by their ids.
    package private(set) var forgotten = Position.start

    private struct Entry: Hashable, Sendable, Codable {
        let id: EventID
        let position: Position
    }

    func contains(_ id: EventID) -> Bool { ids.contains(id) }

    mutating func insert(_ id: EventID, at position: Position) {
        guard ids.insert(id).inserted else { return }
        let entry = Entry(id: id, position: position)
        guard order.count >= Self.limit else { return order.append(entry) }
        ids.remove(order[next].id)
        forgotten = max(forgotten, order[next].position)
        order[next] = entry
        next = (next + 1) % Self.limit
    }
}
