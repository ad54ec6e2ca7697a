import BankModel
import SillokTesting
import Testing

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

    @Test func `nothing is paid into or out of an account that is not open`() {
        Scenario<BankAccount>.when(.deposit(1)).thenRefused(.notOpen)
        Scenario<BankAccount>.when(.withdraw(1)).thenRefused(.notOpen)
    }

    @Test func `opening an account again changes nothing`() {
        Scenario<BankAccount>.when(.open(owner: "Ada")).then(.opened(owner: "Ada"))
        Scenario<BankAccount>.given(.opened(owner: "Ada")).when(.open(owner: "Ada")).then()
    }
}
