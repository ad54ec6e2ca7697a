import SillokHistory
import SillokSnapshots
import Testing

@testable import Sillok

/// Two deciders record under the same tag.
@Suite struct SharedTagTests {
    private let store = TroubledStore()
    private var bookings: CommandHandler<Booking> { CommandHandler(in: store) }
    private var payments: CommandHandler<Payment> { CommandHandler(in: store) }

    @Test("N1: a decision over a tag means the types of its decider, although others record under the tag")
    func foreignTypes() async throws {
        try await bookings.execute(.book("B1"))
        try await payments.execute(.pay("B1", cents: 100))
        try await bookings.execute(.cancel("B1"))
        #expect(try await bookings.state(for: .book("B1")).isBooked == false)
        #expect(try await payments.state(for: .pay("B1", cents: 0)).cents == 100)
        #expect(try await bookings.state(for: .book("B1"), at: .position(2)).isBooked)
    }

    @Test(
        "N1: a foreign event of a newer version is no part of the boundary, a newer version of its own type is an error"
    )
    func versions() async throws {
        try await bookings.execute(.book("B1"))
        var metadata = Metadata()
        metadata.schemaVersion = 2
        _ = try await store.append([EventData(type: "paid", tags: ["booking:B1"], metadata: metadata, text: "{}")])
        try await bookings.execute(.cancel("B1"))
        _ = try await store.append([EventData(type: "cancelled", tags: ["booking:B1"], metadata: metadata, text: "{}")])
        let error = await #expect(throws: NewerEventVersion.self) { try await bookings.execute(.book("B1")) }
        #expect(error?.event?.hasSuffix("Booking.Event") == true)
    }

    @Test("N1: no decision is taken again for an event of another decider")
    func conditions() async throws {
        try await bookings.execute(.book("B1"))
        let rival = EventData(type: "paid", tags: ["booking:B1"], text: #"{"cents":5}"#)
        store.add(.rival(rival, to: nil))
        let handler = CommandHandler<Booking>(in: store, options: .init(retries: RetryPolicy(attempts: 1)))
        try await handler.execute(.cancel("B1"))
        store.add(.rival(EventData(type: "booked", tags: ["booking:B1"], text: "{}"), to: nil))
        await #expect(throws: TooManyConflicts.self) { try await handler.execute(.book("B1")) }
    }

    @Test("N1: a cached state takes no notice of foreign events")
    func cache() async throws {
        let handler = CommandHandler<Booking>(in: store, options: .init(cache: AggregateCache()))
        try await handler.execute(.book("B1"))
        try await payments.execute(.pay("B1", cents: 100))
        let reads = store.reads.count
        try await handler.execute(.cancel("B1"))
        #expect(store.reads.count == reads)
    }

    @Test("N1: a type that the boundary names and the decider has no case for is an error that names the decider")
    func namedTypes() async throws {
        try await payments.execute(.pay("B1", cents: 100))
        let error = await #expect(throws: UnknownEventType.self) {
            try await CommandHandler<Careless>(in: store).execute(.book)
        }
        #expect(error?.decider?.hasSuffix("Careless") == true && error?.type == "paid")
        #expect(error?.description.contains("boundary(of:)") == true)
    }

    @Test("N1: what-if over a tag leaves out what other deciders record under it")
    func trials() async throws {
        try await bookings.recordingCommands().execute(.book("B1"))
        try await payments.execute(.pay("B1", cents: 100))
        let past = try await store.past()
        let report = try await past.compare(
            deciders: Booking.self, with: Booking.self, over: .tags("booking:B1"))
        #expect(report.isSame && report.events == 1)
        await #expect(throws: UnknownEventType.self) {
            try await past.compare(deciders: Booking.self, with: Booking.self, over: .all)
        }
    }

    @Test("N1: of an event that was split, the parts of other deciders are no part of a boundary")
    func splitEvents() async throws {
        _ = try await store.append([EventData(type: "booked-and-paid", tags: ["booking:B1"], text: "{}")])
        let handler = CommandHandler<SplitBooking>(in: store)
        #expect(try await handler.state(for: "B1").booked == 1)
        try await handler.execute("B1")
        #expect(try await handler.state(for: "B1").booked == 2)
    }

    @Test("N1: an unknown type in a stream is an error that names the decider and the enum")
    func streams() async throws {
        _ = try await store.append([EventData(type: "frozen", text: "{}")], to: "account-1")
        let error = await #expect(throws: UnknownEventType.self) {
            try await CommandHandler<BankAccount>("account", in: store).execute(.open(owner: "Ada"), on: "1")
        }
        #expect(error?.decider == "BankAccount" && error?.event == "BankAccount.Event")
        #expect(error?.description.contains("The state of the decider BankAccount cannot be replayed") == true)
    }

    @Test("N1: the types of an enum are the stored names of its cases, and unknown if its keys are written by hand")
    func types() {
        #expect(EventCoding<Booking.Event>().types == ["booked", "cancelled"])
        #expect(EventCoding<Payment.Event>().types == ["paid"])
        #expect(EventCoding<Renamed>().types == ["first", "second-name", "third"])
        #expect(EventCoding<Generic<Int>.Event>().types == ["one", "two"])
        #expect(EventCoding<ByHand>().types == nil)
        #expect(!EventCoding<ByHand>().hasCase(for: "other") && EventCoding<ByHand>().hasCase(for: "noted"))
    }
}

/// Reads the bookings of an older type that became two, one of which is of another decider.
private struct SplitBooking: BoundaryDecider {
    enum Event: Codable, Sendable, EvolvingEvent {
        case booked

        static let schema = EventSchema(
            upcasters: [
                .split("booked-and-paid", from: 1, into: ["booked": 1, "paid": 1]) { _ in
                    [.init("booked", [:]), .init("paid", [:])]
                }
            ])
    }

    private(set) var booked = 0

    static func tags(of event: Event) -> [EventTag] { ["booking:B1"] }
    static func boundary(of command: String) -> EventQuery { .tags("booking:\(command)") }
    func decide(_ command: String) throws(Never) -> [Event] { [.booked] }
    mutating func evolve(_ event: Event) { booked += 1 }
}

private enum Renamed: Codable, Sendable, StableEventNames {
    case first
    case second(Int)
    case other

    enum CodingKeys: String, CodingKey {
        case first, second
        case other = "third"
    }

    static let storedNames: [String: EventType] = ["second": "second-name"]
}

private enum Generic<Value: Codable & Sendable> {
    enum Event: Codable, Sendable { case one(Value), two }
}

/// An enum that reads itself by a key that may be any text.
private enum ByHand: Codable, Sendable {
    case noted

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) {
            guard stringValue == "noted" else { return nil }
            self.stringValue = stringValue
        }
        init?(intValue: Int) { return nil }
    }

    init(from decoder: any Decoder) throws {
        _ = try decoder.container(keyedBy: Key.self)
        self = .noted
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        guard let key = Key(stringValue: "noted") else { return }
        _ = container.nestedContainer(keyedBy: Key.self, forKey: key)
    }
}
