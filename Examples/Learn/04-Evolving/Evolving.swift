import Sillok
import SillokProjections
import SillokSQLite

let evolvingLessons = [
    Lesson("old-code", "New code without upcasters stops at an old event", run: oldPayload),
    Lesson("upcasting", "Events of three releases, read by the code of the third", run: upcasting),
    Lesson("rewritten", "What a rewritten log does to a read model", run: rewritten),
]

/// What the first release wrote.
enum TicketsOfMay: Codable, Equatable, Sendable {
    case sold(name: String, price: Int)
    case moved(seat: String)
    case pinged
}

/// The third release. Old events are not changed, and the schema says how to read them.
enum Tickets: Codable, Equatable, Sendable, EvolvingEvent {
    case sold(buyer: String, cents: Int, currency: String, channel: String?)
    case seatReleased
    case seatTaken(seat: String)

    static let schema = EventSchema(
        versions: ["sold": 3],
        upcasters: [
            // Rename: `name` is called `buyer`, and `price` is called `cents`.
            .change("sold", from: 1) { old in
                old.payload.rename("name", to: "buyer")
                old.payload.rename("price", to: "cents")
            },
            // Add: until then all prices were in euros.
            .change("sold", from: 2) { old in old.payload["currency"] = "EUR" },
            // Split: a move is two facts.
            .split("moved", from: 1, into: ["seatReleased": 1, "seatTaken": 1]) { old in
                [.init("seatReleased", [:]), .init("seatTaken", ["seat": old.payload["seat"]])]
            },
            // Drop: no reader needs these.
            .drop("pinged", from: 1),
        ])
}

/// A log to which the first release has appended.
private func logOfMay() async throws -> MemoryEventStore {
    let store = MemoryEventStore()
    let coding = EventCoding<TicketsOfMay>()
    let events: [TicketsOfMay] = [.sold(name: "Ada", price: 39_00), .pinged, .moved(seat: "12A")]
    try await store.append(events.map { try coding.encode($0) }, to: "ticket-7")
    return store
}

/// The third release, if its author forgets the upcasters.
enum TicketsWithoutSchema: Codable, Sendable {
    case sold(buyer: String, cents: Int, currency: String)
}

func oldPayload() async throws {
    let store = try await logOfMay()
    do {
        for stored in try await store.read(.stream("ticket-7")).events {
            print(try EventCoding<TicketsWithoutSchema>().decode(stored))
        }
    } catch let damaged as DamagedPayload {
        print(damaged)
    }
}

func upcasting() async throws {
    let store = try await logOfMay()
    let coding = EventCoding<Tickets>()
    let sale = Tickets.sold(buyer: "Grace", cents: 45_00, currency: "KRW", channel: "app")
    try await store.append([try coding.encode(sale)], to: "ticket-8")

    for stored in try await store.read(.all).events {
        print(stored.type, String(decoding: stored.payload, as: UTF8.self))
        for event in try coding.decode(stored) { print("   →", event) }
    }
}

/// The number of sold tickets.
struct SoldTickets: Projection {
    let name = "sold_tickets"
    let version = 1
    let source = EventQuery.types("sold")
    let schema: [SQL] = ["CREATE TABLE \(table: "sold_tickets") (position BIGINT PRIMARY KEY)"]

    func project(_ event: Recorded<Tickets>) -> [SQL] {
        ["INSERT INTO \(table: "sold_tickets") VALUES (\(event.position))"]
    }
}

func rewritten() async throws {
    let store = try await logOfMay()
    let model = try SQLiteReadModel()
    try await Projector(SoldTickets(), from: store, into: model).catchUp()

    // Someone "repairs" the names by copying the log into a new one.
    let copy = MemoryEventStore()
    for stored in try await store.read(.all).events where stored.type != "pinged" {
        let text = String(decoding: stored.payload, as: UTF8.self).replacing(#""name""#, with: #""buyer""#)
        try await copy.append([EventData(type: stored.type, text: text)], to: stored.stream)
    }
    do {
        try await Projector(SoldTickets(), from: copy, into: model).catchUp()
    } catch let failure as ProjectionFailure {
        print(failure)
    }
    await model.close()
}
