import SillokProcessTesting
import SillokProcesses
import Testing

@testable import Shop

@Suite struct CheckoutTests {
    private typealias Input = Checkout.Input

    private func happened(_ event: Order.Event) -> Input { .happened(event, in: "order-1") }

    /// Two lamps and an ink are submitted.
    private func submitted(_ card: String?) -> [Input] {
        [
            happened(.orderPlaced(customer: "Ada")), happened(.lineAdded(item: "lamp", quantity: 2, cents: 19_00)),
            happened(.lineAdded(item: "ink", quantity: 1, cents: 4_50)), happened(.orderSubmitted(card: card)),
        ]
    }

    private func given(_ inputs: [Input], _ more: Input...) -> ProcessScenario<Checkout> {
        .given(inputs + more)
    }

    private let ink = Checkout.Request.reserve(item: "ink", units: 1, order: "1")
    private let lamp = Checkout.Request.reserve(item: "lamp", units: 2, order: "1")

    @Test func `all pieces are reserved, and then the order is confirmed`() {
        given(Array(submitted(nil).dropLast())).when(happened(.orderSubmitted(card: nil))).then(
            .request(ink, undo: .release(item: "ink", order: "1")),
            .request(lamp, undo: .release(item: "lamp", order: "1")))
        given(submitted(nil)).when(.request(ink, .accepted)).thenNothing()
        given(submitted(nil), .request(ink, .accepted)).when(.request(lamp, .accepted)).then(
            .request(.confirm(order: "1")))
    }

    @Test func `an order that is sold out is cancelled, and its end undoes what was done`() {
        given(submitted(nil), .request(ink, .accepted)).when(.request(lamp, .refused(reason: "outOfStock"))).then(
            .request(.cancel(order: "1", reason: "sold out")))
        given(submitted(nil)).when(happened(.orderCancelled(reason: "sold out", day: "mon"))).then(
            .compensate("sold out"), .complete)
    }

    @Test func `a card is charged for a confirmed order, and its receipt pays the order`() {
        let charge = Checkout.Effect.charge(card: "c", cents: 42_50)
        given(submitted("c")).when(happened(.orderConfirmed)).then(
            .perform(charge, undo: .refund(card: "c", cents: 42_50)))
        given(submitted("c")).when(.effect(charge, .done("r"))).then(
            .request(.pay(order: "1", payment: "r", cents: 42_50)))
        given(submitted("c")).when(.effect(charge, .failed(reason: "declined"))).then(
            .request(.cancel(order: "1", reason: "declined")))
        given(submitted("c")).when(.effect(charge, .unknown(reason: "no answer"))).thenNothing()
    }

    @Test func `a transfer has two days`() {
        given(submitted(nil)).when(happened(.orderConfirmed)).then(.schedule(.payment, after: .seconds(172_800)))
        given(submitted(nil)).when(.deadline(.payment, due: "2026-01-03T00:00:00Z")).then(
            .request(.cancel(order: "1", reason: "not paid in time")))
        given(submitted(nil)).when(happened(.orderPaid(payment: "p", cents: 42_50, day: "mon"))).then(
            .cancel(.payment), .request(.recordCharge(payment: "p", order: "1", cents: 42_50, day: "mon")))
    }

    @Test func `what comes back goes to the shelf, and its money into the books of that day`() {
        given(submitted(nil), happened(.orderPaid(payment: "p", cents: 42_50, day: "mon")), happened(.orderShipped))
            .when(happened(.orderReturned(day: "tue")))
            .then(
                .request(.takeBack(item: "ink", order: "1")), .request(.takeBack(item: "lamp", order: "1")),
                .request(.recordRefund(payment: "p", order: "1", cents: 42_50, day: "tue")),
                .compensate("returned"), .complete)
    }
}
