import Sillok
import SillokTesting
import Testing

/// Exercise 4: at most 1,000 euros can be withdrawn on one day. `decide` may not ask a clock.
enum Solution4 {
    struct Cash: Decider {
        enum Command: Sendable { case withdraw(cents: Int, day: String) }
        enum Event: Codable, Equatable, Sendable { case withdrawn(cents: Int, day: String) }
        enum Refusal: Error, Equatable { case limitReached(left: Int) }

        static let limit = 1_000_00
        private var today = (day: "", cents: 0)

        func decide(_ command: Command) throws(Refusal) -> [Event] {
            switch command {
            case .withdraw(let cents, let day):
                let left = Self.limit - (today.day == day ? today.cents : 0)
                if cents > left { throw .limitReached(left: left) }
                return [.withdrawn(cents: cents, day: day)]
            }
        }

        mutating func evolve(_ event: Event) {
            switch event {
            case .withdrawn(let cents, let day): today = (day, cents + (today.day == day ? today.cents : 0))
            }
        }
    }
}

@Suite struct Solution4Tests {
    @Test func `the limit holds for a day, and a new day has a new one`() {
        Scenario<Solution4.Cash>
            .given(.withdrawn(cents: 900_00, day: "2026-11-23"))
            .when(.withdraw(cents: 200_00, day: "2026-11-23"))
            .thenRefused(.limitReached(left: 100_00))
        Scenario<Solution4.Cash>
            .given(.withdrawn(cents: 900_00, day: "2026-11-23"))
            .when(.withdraw(cents: 200_00, day: "2026-11-24"))
            .then(.withdrawn(cents: 200_00, day: "2026-11-24"))
    }

    @Test func `two withdrawals of a day are added`() {
        Scenario<Solution4.Cash>
            .given(.withdrawn(cents: 600_00, day: "2026-11-23"), .withdrawn(cents: 300_00, day: "2026-11-23"))
            .when(.withdraw(cents: 100_01, day: "2026-11-23"))
            .thenRefused(.limitReached(left: 100_00))
    }
}
