import Sillok

let namingLessons = [
    Lesson("requests", "A log of requests, and a reader that takes them for facts", run: requests),
    Lesson("facts", "The same day as facts", run: facts),
]

/// A mistake: the log says what was asked for, and another event says what came of it.
enum RequestLog {
    enum Event: Codable, Sendable {
        case depositRequested(cents: Int)
        case withdrawRequested(cents: Int)
        case withdrawRejected(reason: String)
    }
}

/// Each event is true on its own: money has been moved, or an attempt was declined.
enum FactLog {
    enum Event: Codable, Sendable {
        case deposited(cents: Int)
        case withdrawn(cents: Int)
        case withdrawalDeclined(cents: Int, balance: Int)
    }
}

/// Appends events to a stream, as JSON.
private func record<Event: Codable & Sendable>(_ events: [Event], in store: any EventStore) async throws {
    let coding = EventCoding<Event>()
    try await store.append(events.map { try coding.encode($0) }, to: "account-42")
}

func requests() async throws {
    let store = MemoryEventStore()
    try await record(
        [
            RequestLog.Event.depositRequested(cents: 40_00), .withdrawRequested(cents: 30_00),
            .withdrawRequested(cents: 30_00), .withdrawRejected(reason: "insufficient funds"),
        ], in: store)

    // The reader was written by a team that had seen the first two types only.
    let events = try await store.read(EventQuery.stream("account-42").of("depositRequested", "withdrawRequested"))
    var balance = 0
    for stored in events.events {
        for event in try EventCoding<RequestLog.Event>().decode(stored) {
            if case .depositRequested(let cents) = event { balance += cents }
            if case .withdrawRequested(let cents) = event { balance -= cents }
        }
        print(stored.type, String(decoding: stored.payload, as: UTF8.self), "→", balance)
    }
}

func facts() async throws {
    let store = MemoryEventStore()
    try await record(
        [
            FactLog.Event.deposited(cents: 40_00), .withdrawn(cents: 30_00),
            .withdrawalDeclined(cents: 30_00, balance: 10_00),
        ], in: store)

    let events = try await store.read(EventQuery.stream("account-42").of("deposited", "withdrawn"))
    var balance = 0
    for stored in events.events {
        for event in try EventCoding<FactLog.Event>().decode(stored) {
            if case .deposited(let cents) = event { balance += cents }
            if case .withdrawn(let cents) = event { balance -= cents }
        }
        print(stored.type, String(decoding: stored.payload, as: UTF8.self), "→", balance)
    }
}
