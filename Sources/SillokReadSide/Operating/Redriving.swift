public import SillokCore
import SillokSQL

extension ReadSide {
    /// Lets a publisher pass events on again from a position, or leave events out up to it. A running application sees
    /// it within its poll interval.
    ///
    /// The dead letters of the publisher from that position on are removed, because their events are passed on again.
    /// - Parameters:
    ///   - name: the publisher.
    ///   - position: the first event to pass on.
    ///   - whom: the operator who requests it.
    /// - Throws: ``ProjectionRefusal`` if there is no such publisher, or the log ends before the position.
    public func redrive(_ name: String, from position: Position, by whom: Operator) async throws {
        let live = try await live(name)
        guard live.isPublisher else {
            throw ProjectionRefusal("\(name) is no publisher, so it has no events to pass on again: rebuild it.")
        }
        let before = position.previous
        let head = try await store.head()
        guard before <= head else { throw ProjectionRefusal("The log ends at \(head), before \(position).") }
        // The log knows which event is there.
        let request = ReadRequest(.all, after: .position(before.previous), before: .position(before.next), limit: 1)
        let mark = before == .start ? .start : try await store.read(request).mark
        let whose = Ledger.whose(live.id)
        try await write([
            .init("DELETE FROM sillok_dead_letters \(whose) AND position > \(mark.position)"),
            .init(
                """
                UPDATE sillok_checkpoints SET store = \(try await store.storeID().description),
                position = \(mark.position), mark = \(mark.description), epoch = epoch + 1 \(whose)
                """),
            whom.did("redrive", to: live.id, detail: "after \(mark.position)", at: wallClock.now()),
        ])
    }
}
