import BankModel
import Sillok

let idempotencyLessons = [
    Lesson("deliveries", "Four ways to arrive, and which key survives which of them", run: deliveries),
    Lesson("repeats", "A command, an append and a payment that come twice", run: repeats),
]

@Sendable func deliveries() async throws {
    let consumers: [(name: String, type: any Consumer.Type)] = [
        ("no key", Trusting.self), ("id", ByID.self), ("revision", ByRevision.self),
        ("id and revision", ByIDAndRevision.self),
    ]
    for (name, type) in consumers {
        print(name)
        for (delivery, messages) in Deliveries.all {
            var consumer = type.init()
            for message in messages { consumer.receive(message) }
            let isRight = "\(consumer.customer)" == "70 Lee"
            print("  \(delivery): \(consumer.customer)\(isRight ? "" : "  WRONG")")
        }
    }
}

@Sendable func repeats() async throws {
    let store = MemoryEventStore()
    let accounts = CommandHandler<BankAccount>("account", in: store)
    try await accounts.execute(.open(owner: "Kim"), on: "42")

    let id = CommandID()
    for _ in 1...3 {
        let outcome = try await accounts.execute(.deposit(100), on: "42", id: id)
        print("the deposit is event \(outcome.position), a repeat: \(outcome.isRepeat)")
    }
    let other = try await accounts.execute(.deposit(250), on: "42", id: id)
    print("another deposit with this id is not executed:", other.events)
    do {
        try await accounts.execute(.open(owner: "Lee"), on: "43", id: id)
    } catch is CommandIDConflict {
        print("the id on another account is an error")
    }

    let event = EventData(type: "deposited", text: #"{"cents":30}"#)
    let first = try await store.append([event], to: "account-42")
    let second = try await store.append([event], to: "account-42")
    print("two appends of one event: the same receipt \(first == second), the head is \(try await store.head())")
}
