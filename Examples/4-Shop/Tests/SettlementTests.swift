import SillokTesting
import Testing

@testable import Shop

@Suite struct SettlementTests {
    private let charged: [Settlement.Event] = [
        .settlementOpened, .chargeRecorded(payment: "p1", order: "1", cents: 100_00),
    ]

    @Test func `a payment is charged once and refunded once, however often it is reported`() {
        Scenario<Settlement>.given(charged)
            .when(.recordCharge(payment: "p1", order: "1", cents: 100_00)).thenNothing()
        Scenario<Settlement>.given(charged)
            .when(.recordRefund(payment: "p1", order: "1", cents: 100_00))
            .then(.refundRecorded(payment: "p1", order: "1", cents: 100_00))
        Scenario<Settlement>.given(charged + [.refundRecorded(payment: "p1", order: "1", cents: 100_00)])
            .when(.recordRefund(payment: "p1", order: "1", cents: 100_00)).thenNothing()
    }

    @Test func `the payout is what is left after refunds and the fee`() {
        let refunded = charged + [.refundRecorded(payment: "p0", order: "0", cents: 20_00)]
        Scenario<Settlement>.given(refunded).when(.applyFee(permille: 25)).then(.feeApplied(cents: 2_00))
        Scenario<Settlement>.given(refunded).when(.close).thenRefused(.feeIsDue)
        Scenario<Settlement>.given(refunded + [.feeApplied(cents: 2_00)])
            .when(.close).then(.settlementClosed(payout: 78_00))
    }

    @Test func `a closed day takes no more money, but knows what it had`() {
        let closed = charged + [.feeApplied(cents: 0), .settlementClosed(payout: 100_00)]
        Scenario<Settlement>.given(closed)
            .when(.recordRefund(payment: "p1", order: "1", cents: 1)).thenRefused(.notOpen)
        Scenario<Settlement>.given(closed)
            .when(.recordCharge(payment: "p1", order: "1", cents: 100_00)).thenNothing()
        Scenario<Settlement>.given(closed).when(.open).thenRefused(.alreadyOpened)
    }

    @Test(arguments: [0, -1, .min, .max]) func `an amount is positive and has a limit`(cents: Int) {
        Scenario<Settlement>.given(charged)
            .when(.recordCharge(payment: "p2", order: "2", cents: cents)).thenRefused(.notAnAmount)
        Scenario<Settlement>.given(charged)
            .when(.recordRefund(payment: "p2", order: "2", cents: cents)).thenRefused(.notAnAmount)
    }

    @Test(arguments: [-1, 1001]) func `a fee is a part of the whole, once`(permille: Int) {
        Scenario<Settlement>.given(charged).when(.applyFee(permille: permille)).thenRefused(.notAFee)
        Scenario<Settlement>.given(charged + [.feeApplied(cents: 1)]).when(.applyFee(permille: 1)).thenRefused(.notAFee)
    }
}
