import SillokTesting
import Testing

@testable import Starter

@Suite struct AccountTests {
    @Test func `a withdrawal may empty the account`() {
        Scenario<Account>
            .given(.opened(owner: "Ada"), .deposited(cents: 30_00))
            .when(.withdraw(cents: 30_00))
            .then(.withdrawn(cents: 30_00))
    }

    @Test func `a withdrawal never makes the balance negative`() {
        Scenario<Account>
            .given(.opened(owner: "Ada"), .deposited(cents: 30_00))
            .when(.withdraw(cents: 30_01))
            .thenRefused(.insufficientFunds(balance: 30_00))
    }

    @Test func `an account must be open`() {
        Scenario<Account>.when(.deposit(cents: 1)).thenRefused(.notOpen)
    }
}
