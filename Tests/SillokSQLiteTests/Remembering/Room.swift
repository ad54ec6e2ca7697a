import Sillok
import SillokSnapshots

/// A room whose boundary has the reference of the booking, which is to be unique.
struct Room: SnapshottedDecider, BoundaryDecider {
    enum Command: Sendable { case book(reference: String?) }
    enum Event: Codable, Sendable { case booked }
    enum Refusal: Error {}

    static let foldVersion = 1
    private(set) var count = 0

    static func boundary(of command: Command) -> EventQuery {
        guard case .book(let reference?) = command else { return .tags("room:1") }
        return EventQuery.tags("room:1").or(.tags(EventTag("booking", reference)))
    }
    static func tags(of event: Event) -> [EventTag] { ["room:1"] }

    func decide(_ command: Command) throws(Refusal) -> [Event] { [.booked] }
    mutating func evolve(_ event: Event) { count += 1 }
}
