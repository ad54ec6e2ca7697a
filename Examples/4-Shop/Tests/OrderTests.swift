import SillokTesting
import Testing

@testable import Shop

@Suite struct OrderTests {
    private let basket: [Order.Event] = [
        .orderPlaced(customer: "Ada"), .lineAdded(item: "lamp", quantity: 2, cents: 19_00),
        .lineAdded(item: "ink", quantity: 1, cents: 4_50),
    ]
    private var submitted: [Order.Event] { basket + [.orderSubmitted(card: nil)] }
    private var confirmed: [Order.Event] { submitted + [.orderConfirmed] }
    private var paid: [Order.Event] { confirmed + [.orderPaid(payment: "p1", cents: 42_50, day: "mon")] }
    private var shipped: [Order.Event] { paid + [.orderShipped] }

    @Test func `nothing happens to an order that was not placed, and it is placed once`() {
        Scenario<Order>.when(.confirm).thenRefused(.notPlaced)
        Scenario<Order>.when(.place(customer: "Ada")).then(.orderPlaced(customer: "Ada"))
        Scenario<Order>.given(basket).when(.place(customer: "Bob")).thenRefused(.alreadyPlaced)
    }

    @Test func `a line that is removed is not paid for`() {
        Scenario<Order>.given(basket)
            .when(.removeLine(item: "ink")).then(.lineRemoved(item: "ink", quantity: 1, cents: 4_50))
            .thenState { #expect($0.total == 38_00) }
        Scenario<Order>.given(basket).when(.removeLine(item: "chair")).thenRefused(.noSuchLine)
    }

    @Test(arguments: [(0, 1), (1001, 1), (1, 0), (1, .max), (.min, 1)])
    func `a line has a quantity and a price`(quantity: Int, cents: Int) {
        Scenario<Order>.given(basket)
            .when(.addLine(item: "chair", quantity: quantity, cents: cents)).thenRefused(.notALine)
    }

    @Test func `a basket is submitted when there is something in it, and stays as it was then`() {
        Scenario<Order>.given(.orderPlaced(customer: "Ada")).when(.submit(card: nil)).thenRefused(.basketIsEmpty)
        Scenario<Order>.given(basket).when(.submit(card: "c")).then(.orderSubmitted(card: "c"))
        Scenario<Order>.given(submitted).when(.addLine(item: "pen", quantity: 1, cents: 1)).thenRefused(.notOpen)
    }

    @Test func `an order is confirmed after it was submitted`() {
        Scenario<Order>.given(basket).when(.confirm).thenRefused(.notSubmitted)
        Scenario<Order>.given(submitted).when(.confirm).then(.orderConfirmed)
        Scenario<Order>.given(submitted + [.orderCancelled(reason: "", day: "mon")]).when(.confirm)
            .thenRefused(.notSubmitted)
    }

    @Test func `a payment is of the sum that is due, and one payment counts once`() {
        Scenario<Order>.given(basket).when(.pay(payment: "p1", cents: 42_50, day: "mon")).thenRefused(.notConfirmed)
        Scenario<Order>.given(confirmed).when(.pay(payment: "p1", cents: 42_49, day: "mon")).thenRefused(
            .wrongAmount(due: 42_50))
        Scenario<Order>.given(confirmed)
            .when(.pay(payment: "p1", cents: 42_50, day: "mon")).then(
                .orderPaid(payment: "p1", cents: 42_50, day: "mon"))
        Scenario<Order>.given(paid).when(.pay(payment: "p1", cents: 42_50, day: "tue")).thenNothing()
        Scenario<Order>.given(paid).when(.pay(payment: "p2", cents: 42_50, day: "mon")).thenRefused(.notConfirmed)
    }

    @Test func `what is paid for is shipped, and what is shipped is taken back but not cancelled`() {
        Scenario<Order>.given(confirmed).when(.ship).thenRefused(.notPaid)
        Scenario<Order>.given(paid).when(.ship).then(.orderShipped)
        Scenario<Order>.given(shipped).when(.cancel(reason: "", day: "mon")).thenRefused(.alreadyShipped)
        Scenario<Order>.given(paid).when(.cancel(reason: "broken", day: "mon")).then(
            .orderCancelled(reason: "broken", day: "mon"))
        Scenario<Order>.given(paid).when(.takeBack(day: "mon")).thenRefused(.notShipped)
        Scenario<Order>.given(shipped).when(.takeBack(day: "mon")).then(.orderReturned(day: "mon"))
    }

    @Test func `a step that was taken is not taken again`() {
        Scenario<Order>.given(submitted).when(.submit(card: nil)).thenNothing()
        Scenario<Order>.given(confirmed).when(.confirm).thenNothing()
        Scenario<Order>.given(shipped).when(.confirm).thenNothing()
        Scenario<Order>.given(shipped).when(.ship).thenNothing()
        Scenario<Order>.given(shipped + [.orderReturned(day: "mon")]).when(.takeBack(day: "mon")).thenNothing()
        Scenario<Order>.given(basket + [.orderCancelled(reason: "", day: "mon")]).when(.cancel(reason: "", day: "mon"))
            .thenNothing()
    }
}
