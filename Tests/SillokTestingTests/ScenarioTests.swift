import Sillok
import SillokTesting
import Testing

@Suite struct ScenarioTests {
    @Test func `a decision is compared with the expected events`() {
        Scenario<BankAccount>
            .given(.opened(owner: "Ada"), .deposited(amount: 100))
            .when(.withdraw(30))
            .then(.withdrawn(amount: 30))
            .thenState { #expect($0.balance == 70) }
    }

    @Test func `a refusal is compared with the expected one`() {
        Scenario<BankAccount>.given(.opened(owner: "Ada"), .deposited(amount: 70))
            .when(.withdraw(100))
            .thenRefused(.insufficientFunds(balance: 70))
            .thenRefused()
        Scenario<BankAccount>.when(.withdraw(1)).thenRefused(.notOpen)
    }

    @Test func `nothing may be what is decided`() {
        Scenario<BankAccount>.given([.opened(owner: "Ada")]).when(.deposit(0)).thenNothing()
    }

    @Test(arguments: [
        (0, "expected  withdrawn(amount: 31)\nfound     withdrawn(amount: 30)"),
        (1, "expected  refused: notOpen\nfound     withdrawn(amount: 30)"), (2, "expected  no event"),
        (3, "expected  a refusal"),
    ])
    func `an expectation that is not met is reported where it stands`(number: Int, message: String) {
        let line = #line + 4
        let outcome = Scenario<BankAccount>.given(.opened(owner: "Ada"), .deposited(amount: 100)).when(.withdraw(30))
        withKnownIssue {
            switch number {  // The four expectations stand on the even lines below.
            case 0:
                outcome.then(.withdrawn(amount: 31))
            case 1:
                outcome.thenRefused(.notOpen)
            case 2:
                outcome.thenNothing()
            default:
                outcome.thenRefused()
            }
        } matching: { issue in
            issue.sourceLocation?.line == line + 1 + number * 2
                && issue.comments.contains { $0.rawValue.hasPrefix(message) }
        }
    }

    @Test func `an event that JSON changes is reported`() {
        let isReported = Lock(false)
        withKnownIssue {
            Scenario<Forgetful>.when(()).then(.noted(Forgetful.Lossy(kept: 1, lost: 2)))
        } matching: { issue in
            let isFault = "\(issue.comments)".contains("comes back from JSON as")
            isReported.withLock { $0 = $0 || isFault }
            return true
        }
        #expect(isReported.withLock { $0 })
    }

    @Test func `a decision over a boundary sees only the events within it`() {
        Scenario<Seat>.given(.taken(seat: "1", by: "Ada")).when(.take(seat: "2", by: "Bob"))
            .then(.taken(seat: "2", by: "Bob"))
        Scenario<Seat>.given(.taken(seat: "1", by: "Ada"), .renamed(seat: "1")).when(.take(seat: "1", by: "Bob"))
            .thenRefused(.isTaken(by: "Ada"))
        Scenario<Seat>.when(.take(seat: "1", by: "Bob")).then(.taken(seat: "1", by: "Bob"))
    }
}
