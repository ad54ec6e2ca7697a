#if Postgres
import Foundation
import Sillok
import SillokProcesses
import SillokProjections

/// Counts and sums per stream, in SQL that would count twice what is applied twice.
struct WrittenTotals: Projection {
    enum Event: Codable, Sendable { case written(n: Int, p: Int) }

    let name: String
    let version = 1
    let source = EventQuery.category("writer").or(.category("counter"))
    var schema: [SQL] {
        [
            """
            CREATE TABLE \(table: name) (
                stream TEXT PRIMARY KEY, events BIGINT NOT NULL, total BIGINT NOT NULL, last BIGINT NOT NULL)
            """
        ]
    }

    func project(_ event: Recorded<Event>) -> [SQL] {
        let sum =
            switch event.payload {
            case .written(let n, let p): n * 10 + p
            }
        return [
            """
            INSERT INTO \(table: name) AS w
            VALUES (\(event.stream), 1, \(sum), \(event.position))
            ON CONFLICT (stream) DO UPDATE SET events = w.events + 1, total = w.total + excluded.total,
            last = excluded.last
            """
        ]
    }
}

/// An order is placed, its card is charged by an effect, and the order is confirmed.
struct Checkout: ProcessManager {
    enum Event: Codable, Sendable { case placed(cents: Int) }
    enum Request: Codable, Equatable, Sendable { case confirm(order: String) }
    enum Effect: Codable, Equatable, Sendable { case charge(order: String, cents: Int) }
    typealias Deadline = Never

    static let name = "checkout"
    static let source = EventQuery.category("order")

    static func correlate(_ event: Recorded<Event>) -> Correlation { .starts(event.stream?.key ?? "") }

    var order = ""

    mutating func evolve(_ input: Input) {
        if case .event(let event) = input { order = event.stream?.key ?? "" }
    }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event):
            switch event.payload {
            case .placed(let cents): [.perform(.charge(order: event.stream?.key ?? "", cents: cents))]
            }
        case .effect: [.request(.confirm(order: order))]
        case .request: [.complete]
        default: []
        }
    }

    /// A runner that shares the orders with those of other processes. Its effects are lines of a file.
    static func runner(
        in store: any EventStore, index: any ReadModel, name: String, folder: String
    ) throws -> ProcessRunner<Checkout> {
        let effects = try HistoryFile("\(folder)/effects.history")
        let outcomes = CommandHandler<Confirmation>("outcome", in: store)
        var options = ProcessOptions(partitions: 4, lease: .seconds(3), pollInterval: .milliseconds(500))
        options.longestPause = .seconds(2)
        return ProcessRunner(Checkout.self, after: .start, in: store, index: index, options: options) { request in
            switch request {
            case .confirm(let order): .execute(.confirm, on: order, with: outcomes)
            }
        } effects: { effect in
            EffectCall { attempt in
                switch effect {
                case .charge(let order, _):
                    effects.write("effect \(name) \(microseconds()) \(order) \(attempt.idempotencyKey)")
                }
                return "charged"
            }
        }
    }
}

/// How an order ends.
struct Confirmation: Decider {
    enum Command: Sendable { case confirm }
    enum Event: Codable, Equatable, Sendable { case confirmed }
    enum Refusal: Error { case decided }

    var isConfirmed = false

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        if isConfirmed { throw .decided }
        return [.confirmed]
    }

    mutating func evolve(_ event: Event) { isConfirmed = true }
}
#endif
