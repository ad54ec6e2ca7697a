import SillokTesting
import Testing

@testable import Bank

@Suite struct BankAccountTests {
    @Test func `a withdrawal never makes the balance negative`() {
        Scenario<BankAccount>
            .given(.opened(owner: "Ada"), .deposited(cents: 30_00))
            .when(.withdraw(30_01))
            .thenRefused(.insufficientFunds(balance: 30_00))
    }

    @Test func `a withdrawal may empty the account`() {
        Scenario<BankAccount>
            .given(.opened(owner: "Ada"), .deposited(cents: 30_00))
            .when(.withdraw(30_00))
            .then(.withdrawn(cents: 30_00))
    }

    @Test(arguments: [0, -1, 1_000_000_01, .min, .max]) func `an amount is positive and has a limit`(cents: Int) {
        Scenario<BankAccount>.given(.opened(owner: "Ada")).when(.deposit(cents)).thenRefused(.notAnAmount)
    }

    @Test func `only an empty account is closed, and nothing happens to it afterwards`() {
        Scenario<BankAccount>
            .given(.opened(owner: "Ada"), .deposited(cents: 1)).when(.close).thenRefused(.notEmpty)
        Scenario<BankAccount>.given(.opened(owner: "Ada")).when(.close).then(.closed)
        Scenario<BankAccount>.given(.opened(owner: "Ada"), .closed).when(.deposit(1)).thenRefused(.notOpen)
    }

    @Test func `an account is opened once`() {
        Scenario<BankAccount>.when(.open(owner: "Ada")).then(.opened(owner: "Ada"))
        Scenario<BankAccount>.given(.opened(owner: "Ada")).when(.open(owner: "Bob")).thenRefused(.alreadyOpen)
    }
}
