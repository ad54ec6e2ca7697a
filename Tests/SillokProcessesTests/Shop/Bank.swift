import Sillok
import SillokCore
import SillokProcesses
import SillokTesting

/// The outside world: a bank that honours idempotency keys, and answers as its script says.
final class Bank: Sendable {
    /// How a call ends.
    enum Answer: Sendable {
        case works
        /// The answer is lost; the call was executed.
        case worksSilently
        /// Nothing was executed; a retry may work.
        case isDown
        case declines
    }

    struct Account: Sendable {
        var executed: [String: (effect: Checkout.Effect, calls: Int)] = [:]
        var calls = 0
        var keysWithTwoContents = 0
        var script: [Answer] = []
        /// The keys of calls that came before their step was in the log, and of those after their result was.
        var early: [String] = []
        var late: [String] = []
    }

    struct Down: Error {}

    let account = Lock(Account())

    /// Sets how the next calls end; after them all work.
    func answers(_ script: [Answer]) { account.withLock { $0.script = script } }

    func call(_ effect: Checkout.Effect, key: String) throws -> String {
        try account.withLock { account in
            account.calls += 1
            let answer = account.script.isEmpty ? Answer.works : account.script.removeFirst()
            if case .isDown = answer { throw Down() }
            // A known key gets its first outcome.
            if case .declines = answer, case .charge = effect, account.executed[key] == nil {
                throw EffectFailed("the card was declined")
            }
            if let known = account.executed[key], known.effect != effect { account.keysWithTwoContents += 1 }
            account.executed[key, default: (effect, 0)].calls += 1
            if case .worksSilently = answer { throw Down() }
            return "receipt of \(key)"
        }
    }

    func find(_ key: String) -> EffectResult? {
        account.withLock { $0.executed[key] == nil ? .failed(reason: "never arrived") : .done("found") }
    }

    /// The money taken for an order, less the money given back.
    func net(_ order: String) -> Int {
        account.withLock { account in
            account.executed.values.reduce(0) { sum, executed in
                switch executed.effect {
                case .charge(order, let cents): sum + cents
                case .refund(order, let cents): sum - cents
                default: sum
                }
            }
        }
    }

    var keys: Set<String> { account.withLock { Set($0.executed.keys) } }
    /// Notes whether the log has the step of a call, and no result of it.
    func note(_ attempt: EffectAttempt, records: [RecordedEvent]) {
        let key = attempt.idempotencyKey
        let isPlanned = records.contains { $0.id.description == key && $0.type == "effectPlanned" }
        let isSettled = records.contains {
            ["effectDone", "effectFailed"].contains($0.type.text)
                && String(decoding: $0.payload, as: UTF8.self).contains(key)
        }
        account.withLock { account in
            if !isPlanned { account.early.append(key) }
            if isSettled { account.late.append(key) }
        }
    }

    var early: [String] { account.withLock { $0.early } }

    /// Two runners at once may make such a call; one must not.
    var late: [String] { account.withLock { $0.late } }

    var calls: Int { account.withLock { $0.calls } }
}
