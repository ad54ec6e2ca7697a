import Sillok
import SillokTesting
import Testing

/// Exercise 4: at most 1,000 euros can be withdrawn on one day. `decide` may not ask a clock.
enum Exercise4 {
    struct Cash: Decider {
        enum Command: Sendable { case withdraw(cents: Int, day: String) }
        enum Event: Codable, Equatable, Sendable { case withdrawn(cents: Int, day: String) }
        enum Refusal: Error, Equatable { case limitReached(left: Int) }

        static let limit = 1_000_00

        func decide(_ command: Command) throws(Refusal) -> [Event] {
            switch command {
            case .withdraw(let cents, let day):
                return [.withdrawn(cents: cents, day: day)]
            }
        }

        mutating func evolve(_ event: Event) {}
    }
}

@Suite(.enabled(if: Exercises.areOpen)) struct Exercise4Tests {
    @Test func `the limit holds for a day, and a new day has a new one`() {
        Scenario<Exercise4.Cash>
            .given(.withdrawn(cents: 900_00, day: "2026-11-23"))
            .when(.withdraw(cents: 200_00, day: "2026-11-23"))
            .thenRefused(.limitReached(left: 100_00))
        Scenario<Exercise4.Cash>
            .given(.withdrawn(cents: 900_00, day: "2026-11-23"))
            .when(.withdraw(cents: 200_00, day: "2026-11-24"))
            .then(.withdrawn(cents: 200_00, day: "2026-11-24"))
    }

    @Test func `two withdrawals of a day are added`() {
        Scenario<Exercise4.Cash>
            .given(.withdrawn(cents: 600_00, day: "2026-11-23"), .withdrawn(cents: 300_00, day: "2026-11-23"))
            .when(.withdraw(cents: 100_01, day: "2026-11-23"))
            .thenRefused(.limitReached(left: 100_00))
    }
}
