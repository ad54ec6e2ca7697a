import Sillok
import SillokProcesses
import SillokProcessTesting
import Testing

@Suite struct ScenarioTests {
    private let placed = Checkout.Input.happened(.placed(item: "tea", units: 1, cents: 500), in: "order-1")

    @Test("P1: a checkout as a story: given inputs, when an input, then steps")
    func story() {
        let reserve = Checkout.Request.reserve(item: "tea", units: 1, order: "1")
        ProcessScenario<Checkout>.when(placed).then(
            .request(reserve, undo: .release(item: "tea", units: 1, order: "1")),
            .schedule(.payment, after: .seconds(1800)))
        ProcessScenario<Checkout>.given(placed).when(.request(reserve, .accepted)).thenNothing()
            .thenState { #expect($0.isReserved) }
        ProcessScenario<Checkout>.given(placed, .request(reserve, .accepted))
            .when(.happened(.paid(cents: 500), in: "payment-1"))
            .then(
                .cancel(.payment),
                .perform(.charge(order: "1", cents: 500), undo: .refund(order: "1", cents: 500)))
        ProcessScenario<Checkout>.given(placed, .request(reserve, .accepted))
            .when(.deadline(.payment, due: "2026-01-01T00:30:00Z"))
            .then(.compensate("unpaid"), .request(.cancel(order: "1", reason: "unpaid")), .complete)
    }

    @Test("PRC-1: a process that is not pure fails its scenario")
    func impure() {
        withKnownIssue { ProcessScenario<Impure>.when(.happened(.rung, in: "bell-1")).thenState { _ in } }
    }
}

/// A process that counts outside of its state.
private struct Impure: ProcessManager {
    enum Event: Codable, Sendable { case rung }
    enum Request: Codable, Equatable, Sendable { case number(Int) }
    enum Effect: Codable, Equatable, Sendable { case none }
    enum Deadline: Codable, Equatable, Sendable { case none }

    static let name = "impure"
    static let source = EventQuery.category("bell")
    private static let count = Lock(0)

    static func correlate(_ event: Recorded<Event>) -> Correlation { .starts("1") }

    mutating func evolve(_ input: Input) {}

    func react(to input: Input) -> [Step] {
        let number = Self.count.withLock { count in
            count += 1
            return count
        }
        return [.request(.number(number))]
    }
}
