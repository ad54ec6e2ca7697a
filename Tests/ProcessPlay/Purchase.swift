import SillokProcesses

/// What happens to an order.
enum PurchaseEvent: Codable, Equatable, Sendable {
    case placed(item: String, cents: Int)
    case paid(cents: Int)
}

/// A purchase: stock is reserved, the card is charged when the customer pays, and all of it is undone if that fails.
/// The item decides how it ends.
struct Purchase: ProcessManager {
    typealias Event = PurchaseEvent

    enum Request: Codable, Equatable, Sendable {
        case reserve(item: String, order: String)
        case release(order: String)
        case confirm(order: String)
    }

    enum Effect: Codable, Equatable, Sendable {
        case charge(item: String, order: String, cents: Int)
        case refund(order: String, cents: Int)
        case sendInvoice(order: String)
        case askForRating(order: String)
    }

    enum Deadline: Codable, Hashable, Sendable {
        case payment
        case reminder(number: Int)
    }

    static let name = "purchase"
    static let source = EventQuery.category("order")

    static func correlate(_ event: Recorded<PurchaseEvent>) -> Correlation {
        let key = event.stream?.key ?? ""
        return switch event.payload {
        case .placed: .starts(key)
        case .paid: .joins(key)
        }
    }

    var order = ""
    var item = ""
    var cents = 0

    mutating func evolve(_ input: Input) {
        if case .event(let event) = input, case .placed(let item, let cents) = event.payload {
            (order, self.item, self.cents) = (event.stream?.key ?? "", item, cents)
        }
    }

    func react(to input: Input) -> [Step] {
        switch input {
        case .event(let event): react(to: event.payload)
        case .request(.reserve, .refused(let reason)): [.cancel(.payment), .compensate(reason), .complete]
        case .effect(.charge, .done):
            [.request(.confirm(order: order)), .perform(.sendInvoice(order: order)), .complete]
        case .effect(.askForRating, .done): [.complete]
        case .effect(.charge, .failed(let reason)): [.compensate(reason), .complete]
        case .deadline(.payment, _): [.compensate("the payment did not arrive"), .complete]
        default: []
        }
    }

    private func react(to event: PurchaseEvent) -> [Step] {
        switch event {
        case .placed("many", _):
            // One of many instances: a single append each.
            order.hasSuffix("7") ? [.schedule(.payment, after: .seconds(1800))] : [.complete]
        case .placed:
            [
                .request(.reserve(item: item, order: order), undo: .release(order: order)),
                .schedule(.payment, after: .seconds(1800)), .schedule(.reminder(number: 1), after: .seconds(1)),
            ]
        case .paid where item == "rated": [.cancel(.payment), .perform(.askForRating(order: order))]
        case .paid:
            [
                .cancel(.payment),
                .perform(.charge(item: item, order: order, cents: cents), undo: .refund(order: order, cents: cents)),
            ]
        }
    }
}

/// The stock that is kept for an order.
struct Stock: Decider {
    enum Command: Sendable { case reserve(item: String), release, confirm }
    enum Event: Codable, Equatable, Sendable { case reserved(item: String), released, confirmed }
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    var isReserved = false

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .reserve(let item):
            if item.hasPrefix("rare") { throw Refusal(description: "there is no \(item)") }
            return [.reserved(item: item)]
        case .release: return isReserved ? [.released] : []
        case .confirm: return [.confirmed]
        }
    }

    mutating func evolve(_ event: Event) { isReserved = event != .released }
}

/// The card of a customer is declined, or the bank cannot be reached.
struct BankFailure: Error, CustomStringConvertible {
    let description: String
}

extension Purchase {
    /// The runner of purchases in a store. The calls for some items fail while the bank cannot be reached.
    static func runner(
        in store: any EventStore, index: any ReadModel, isBankReached: Bool = false
    ) -> ProcessRunner<Purchase> {
        let stock = CommandHandler<Stock>("stock", in: store)
        return ProcessRunner(Purchase.self, after: .start, in: store, index: index) { request in
            switch request {
            case .reserve(let item, let order): .execute(.reserve(item: item), on: order, with: stock)
            case .release(let order): .execute(.release, on: order, with: stock)
            case .confirm(let order): .execute(.confirm, on: order, with: stock)
            }
        } effects: { effect in
            EffectCall(policy: policy(of: effect)) { _ in try call(effect, isBankReached) }
        }
    }

    private static func policy(of effect: Effect) -> EffectCall.Policy {
        var policy = EffectCall.Policy()
        policy.pause = .seconds(600)
        policy.longestPause = .seconds(3600)
        // A lost answer is not asked for again: its outcome is unknown.
        if case .charge(let item, _, _) = effect, item.hasPrefix("lost") { policy.attempts = 1 }
        // A kind that is paused after its first call, until an operator lets it continue.
        if case .askForRating = effect {
            (policy.failuresBeforePause, policy.firstPauseOfKind) = (1, .seconds(600))
            policy.pause = .seconds(1)
        }
        return policy
    }

    /// The bank and the post.
    private static func call(_ effect: Effect, _ isBankReached: Bool) throws -> String {
        if case .askForRating = effect, !isBankReached {
            throw BankFailure(description: "the service for ratings cannot be reached")
        }
        guard case .charge(let item, let order, let cents) = effect else { return "sent" }
        if item.hasPrefix("declined") { throw EffectFailed("the card of \(order) is declined (\(item))") }
        if item.hasPrefix("slow"), !isBankReached {
            throw BankFailure(description: "the bank cannot be reached (\(item))")
        }
        if item.hasPrefix("lost"), !isBankReached {
            throw BankFailure(description: "the connection to the bank was lost (\(item))")
        }
        return "charged \(cents) cents for \(item)"
    }
}
