import Foundation
import Sillok
import SillokSQLite

/// Suite `coding`: events to JSON and back, beside Foundation over the same events; and what a replay makes of it.
func coding(_ plan: Plan) async throws {
    var table = Table("payload", "way", "Sillok µs/event", "Foundation µs/event", "times as fast")
    for payload in Payload.all {
        let rounds = try await Rounds(plan.rounds, payload.sides(plan.isQuick ? 10_000 : 50_000))
        for way in ["decode", "encode"] {
            let (own, peer) = (rounds.cpu("sillok \(way)"), rounds.cpu("foundation \(way)"))
            table.row(payload.name, way, short(own), short(peer), ratio(peer / own))
        }
    }
    table.print()
    try await replay(plan)
}

/// A kind of payload: the same events coded by each side.
private struct Payload: Sendable {
    let name: String
    let sides: @Sendable (_ count: Int) throws -> [(name: String, body: () async throws -> Sample)]

    static let all = [
        Payload("15 bytes: one number", Small.self) { .deposited(cents: $0) },
        Payload("256 bytes: five flat members", Workload.Line.self) { number in
            let payload = Workload.event(number).payload
            return try JSONDecoder().decode(
                Workload.Line.self, from: Data("{\"lineAdded\":".utf8) + Data(payload) + Data("}".utf8))
        },
        Payload("about 260 bytes: nested, with a list", Nested.self) { number in
            .orderPlaced(
                customer: "Ada \(number)",
                address: .init(street: "1 Analytical Row", city: "London", zip: "N1 \(number % 100)"),
                lines: (0..<3).map { .init(item: "item-\(number + $0)", quantity: $0 + 1, cents: 100 * $0 + 99) },
                total: Double(number) / 4, note: nil)
        },
    ]

    init<Event: Codable & Sendable>(
        _ name: String, _ type: Event.Type, _ make: @escaping @Sendable (Int) throws -> Event
    ) {
        self.name = name
        sides = { count in
            let events = try (0..<1000).map(make)
            let (coding, encoder, decoder) = (EventCoding<Event>(), JSONEncoder(), JSONDecoder())
            let stored = try events.enumerated().map { index, event in recorded(try coding.encode(event), index) }
            let texts = try events.map { try encoder.encode($0) }
            func turns(_ body: @escaping (Int) throws -> Int) -> () async throws -> Sample {
                {
                    try await measure {
                        var done = 0
                        for number in 0..<count { done += try body(number % events.count) }
                        precondition(done == count, "not all events were coded")
                        return done
                    }
                }
            }
            let id = EventID()
            return [
                ("sillok decode", turns { try coding.decode(stored[$0]).count }),
                ("foundation decode", turns { withExtendedLifetime(try decoder.decode(Event.self, from: texts[$0])) { 1 } }),
                ("sillok encode", turns { try coding.encode(events[$0], id: id).payload.isEmpty ? 0 : 1 }),
                ("foundation encode", turns { try encoder.encode(events[$0]).isEmpty ? 0 : 1 }),
            ]
        }
    }
}

private func recorded(_ data: EventData, _ index: Int) -> RecordedEvent {
    RecordedEvent(
        position: Position(UInt64(index + 1)), stream: "order-1", revision: Revision(UInt64(index + 1)),
        recordedAt: Timestamp(microsecondsSince1970: 0), data: data)
}

private enum Small: Codable, Sendable { case deposited(cents: Int) }

/// An event that falls short of nothing: nested values, a list, a number with a fraction, a member that is missing.
private enum Nested: Codable, Sendable {
    struct Address: Codable, Sendable { var street: String, city: String, zip: String }
    struct Line: Codable, Sendable { var item: String, quantity: Int, cents: Int }
    case orderPlaced(customer: String, address: Address, lines: [Line], total: Double, note: String?)
}

/// A million decoded events: from memory, and from the file with the read ahead on its own thread.
private func replay(_ plan: Plan) async throws {
    let names = Workload.Names()
    let store = try SQLiteEventStore(path: plan.filled)
    try await store.fill(to: plan.events, names)
    var pages: [[RecordedEvent]] = []
    var position = Position.start
    while pages.count < 50 {
        let page = try await store.read(.all, after: position)
        pages.append(page.events)
        position = page.through
    }
    let count = plan.events
    let rounds = try await Rounds(
        min(plan.rounds, 5),
        [
            ("scan", { try await measure { try await scan(store) } }),
            ("codable file", { try await measure { try await sum(store, EventCoding<Workload.Line>(), quantity) } }),
            ("codable memory", { try await measure { try sum(pages, count, EventCoding<Workload.Line>(), quantity) } }),
        ])
    var table = Table("replay of \(short(Double(count))) events of 256 bytes", "events/s", "wall µs/event", "CPU µs/event")
    for (label, side) in [
        ("from memory", "codable memory"), ("from the file, not decoded", "scan"), ("from the file", "codable file"),
    ] {
        table.row(label, short(rounds.rate(side)), short(1e6 / rounds.rate(side)), short(rounds.cpu(side)))
    }
    table.print()
    await store.close()
}

private func quantity(_ line: Workload.Line) -> Int {
    switch line {
    case .lineAdded(_, _, let quantity, _, _): quantity
    }
}

/// Folds all events of a store.
private func sum<Event>(
    _ store: SQLiteEventStore, _ coding: EventCoding<Event>, _ quantity: (Event) -> Int
) async throws -> Int {
    var (done, sum) = (0, 0)
    for try await page in store.pages(.all) {
        for recorded in page.events {
            for event in try coding.decode(recorded) { (done, sum) = (done + 1, sum + quantity(event)) }
        }
    }
    precondition(sum == 3 * done, "the payloads were not decoded")
    return done
}

/// Folds pages in memory over and over.
private func sum<Event>(
    _ pages: [[RecordedEvent]], _ count: Int, _ coding: EventCoding<Event>, _ quantity: (Event) -> Int
) throws -> Int {
    var (done, sum) = (0, 0)
    while done < count {
        for page in pages {
            for recorded in page {
                for event in try coding.decode(recorded) { (done, sum) = (done + 1, sum + quantity(event)) }
            }
        }
    }
    precondition(sum == 3 * done, "the payloads were not decoded")
    return done
}
