import Sillok

/// A booking and its payment, two deciders that record under the tag of the booking.
struct Booking: BoundaryDecider {
    enum Command: Codable, Sendable { case book(String), cancel(String) }
    enum Event: Codable, Equatable, Sendable { case booked, cancelled }
    enum Refusal: Error { case isBooked, isNotBooked }

    private(set) var isBooked = false

    static func boundary(of command: Command) -> EventQuery { .tags(EventTag("booking", command.reference)) }
    static func tags(of event: Event) -> [EventTag] { ["booking:B1"] }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .book:
            if isBooked { throw .isBooked }
            return [.booked]
        case .cancel:
            guard isBooked else { throw .isNotBooked }
            return [.cancelled]
        }
    }

    mutating func evolve(_ event: Event) { isBooked = event == .booked }
}

extension Booking.Command {
    var reference: String {
        switch self {
        case .book(let reference), .cancel(let reference): reference
        }
    }
}

struct Payment: BoundaryDecider {
    enum Command: Sendable { case pay(String, cents: Int) }
    enum Event: Codable, Equatable, Sendable { case paid(cents: Int) }
    enum Refusal: Error {}

    private(set) var cents = 0

    static func boundary(of command: Command) -> EventQuery {
        switch command {
        case .pay(let reference, _): .tags(EventTag("booking", reference))
        }
    }
    static func tags(of event: Event) -> [EventTag] { ["booking:B1"] }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .pay(_, let cents): [.paid(cents: cents)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .paid(let cents): self.cents += cents
        }
    }
}

/// Names a type in its boundary that it has no case for.
struct Careless: BoundaryDecider {
    enum Command: Sendable { case book }
    enum Event: Codable, Equatable, Sendable { case booked }
    enum Refusal: Error {}

    static func boundary(of command: Command) -> EventQuery { .tags("booking:B1").of("booked", "paid") }

    func decide(_ command: Command) throws(Refusal) -> [Event] { [.booked] }
    mutating func evolve(_ event: Event) {}
}
