import Sillok

/// Seats of a flight. Rules: a seat has one passenger, and a passenger has one seat.
struct SeatPlan: BoundaryDecider {
    enum Command: Sendable { case book(seat: String, passenger: String) }
    enum Event: Codable, Equatable, Sendable { case seatBooked(seat: String, passenger: String) }
    enum Refusal: Error, Equatable { case seatTaken(by: String), alreadyBooked(seat: String) }

    private var bookings: [Event] = []

    static func tags(of event: Event) -> [EventTag] {
        switch event {
        case .seatBooked(let seat, let passenger): [EventTag("seat", seat), EventTag("passenger", passenger)]
        }
    }

    static func boundary(of command: Command) -> EventQuery {
        switch command {
        case .book(let seat, let passenger):
            .tags(EventTag("seat", seat)).or(.tags(EventTag("passenger", passenger)))
        }
    }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .book(let seat, let passenger):
            for case .seatBooked(let bookedSeat, let owner) in bookings {
                if bookedSeat == seat { throw .seatTaken(by: owner) }
                if owner == passenger { throw .alreadyBooked(seat: bookedSeat) }
            }
            return [.seatBooked(seat: seat, passenger: passenger)]
        }
    }

    mutating func evolve(_ event: Event) { bookings.append(event) }
}

func seats() async throws {
    // While Ada's booking is decided, another counter books a seat.
    for (seat, passenger) in [("12B", "Bob"), ("12A", "Bob"), ("12C", "Ada")] {
        let store = MemoryEventStore()
        let other = CommandHandler<SeatPlan>(in: store)
        let overtaken = OvertakenStore(store) { try await other.execute(.book(seat: seat, passenger: passenger)) }
        let counter = CommandHandler<SeatPlan>(in: overtaken)
        do {
            try await counter.execute(.book(seat: "12A", passenger: "Ada"))
            print("\(passenger) books \(seat): Ada gets 12A")
        } catch {
            print("\(passenger) books \(seat): Ada is refused, \(error)")
        }
    }
}

/// Ten buyers read, and then all of them append. Those who are rejected read again.
func hotStream() async throws {
    for streams in [1, 5, 10] {
        let store = MemoryEventStore()
        var waiting = Array(0..<10)
        var (rounds, appends) = (0, 0)
        while !waiting.isEmpty {
            rounds += 1
            var read: [(buyer: Int, stream: StreamID, revision: Revision)] = []
            for buyer in waiting {
                let stream = StreamID("stock-\(buyer % streams)")
                let facts = try await store.stream(stream)
                read.append((buyer, stream, facts?.revision ?? Revision.none))
            }
            for (buyer, stream, revision) in read {
                appends += 1
                do {
                    let event = EventData(type: "reserved", text: #"{"buyer":\#(buyer)}"#)
                    try await store.append([event], to: stream, if: .revision(revision, of: stream))
                    waiting.removeAll { $0 == buyer }
                } catch let error {
                    guard case .conflict = error else { throw error }
                }
            }
        }
        print("\(streams) streams: \(rounds) rounds, \(appends) appends for 10 events")
    }
}
