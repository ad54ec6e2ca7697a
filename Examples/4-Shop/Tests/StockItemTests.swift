import SillokTesting
import Testing

@testable import Shop

@Suite struct StockItemTests {
    private let five: [StockItem.Event] = [.itemIntroduced(name: "Lamp"), .stockReceived(units: 5)]

    @Test func `no more is promised than there is on the shelf`() {
        Scenario<StockItem>.given(five + [.stockReserved(order: "1", units: 3)])
            .when(.reserve(order: "2", units: 3)).thenRefused(.outOfStock(available: 2))
        Scenario<StockItem>.given(five + [.stockReserved(order: "1", units: 3)])
            .when(.reserve(order: "2", units: 2)).then(.stockReserved(order: "2", units: 2))
    }

    @Test func `what is released can be promised again`() {
        let promised = five + [.stockReserved(order: "1", units: 5)]
        Scenario<StockItem>.given(promised)
            .when(.release(order: "1")).then(.reservationReleased(order: "1", units: 5))
            .thenState { #expect($0.available == 5) }
        Scenario<StockItem>.given(five).when(.release(order: "1")).thenNothing()
    }

    @Test func `an order gets its pieces once`() {
        let promised = five + [.stockReserved(order: "1", units: 3)]
        Scenario<StockItem>.given(promised).when(.reserve(order: "1", units: 3)).thenNothing()
        Scenario<StockItem>.given(promised)
            .when(.dispatch(order: "1")).then(.stockDispatched(order: "1", units: 3))
            .thenState { #expect($0.onShelf == 2 && $0.available == 2) }
        let gone = promised + [.stockDispatched(order: "1", units: 3)]
        Scenario<StockItem>.given(gone).when(.dispatch(order: "1")).thenNothing()
        Scenario<StockItem>.given(gone).when(.reserve(order: "1", units: 1)).thenNothing()
        Scenario<StockItem>.given(five).when(.dispatch(order: "1")).thenRefused(.notReserved)
    }

    @Test func `what was sent can come back, once`() {
        let gone = five + [.stockReserved(order: "1", units: 3), .stockDispatched(order: "1", units: 3)]
        let back = gone + [.stockReturned(order: "1", units: 3)]
        Scenario<StockItem>.given(gone).when(.takeBack(order: "1")).then(.stockReturned(order: "1", units: 3))
        Scenario<StockItem>.given(back).when(.takeBack(order: "1")).thenNothing()
        Scenario<StockItem>.given(back).when(.count(units: 5)).then(.stockCounted(units: 5, difference: 0))
        Scenario<StockItem>.given(five).when(.takeBack(order: "1")).thenRefused(.notDispatched)
    }

    @Test func `a count says what is missing, and what is missing is not sent`() {
        let counted = five + [.stockReserved(order: "1", units: 3)]
        Scenario<StockItem>.given(counted).when(.count(units: 2)).then(.stockCounted(units: 2, difference: -3))
        Scenario<StockItem>.given(counted + [.stockCounted(units: 2, difference: -3)])
            .when(.dispatch(order: "1")).thenRefused(.outOfStock(available: 2))
    }

    @Test(arguments: [0, -1, .min, .max]) func `a count of pieces is positive and has a limit`(units: Int) {
        Scenario<StockItem>.given(five).when(.receive(units: units)).thenRefused(.notACount)
        Scenario<StockItem>.given(five).when(.reserve(order: "1", units: units)).thenRefused(.notACount)
    }

    @Test func `an item is introduced once, before all else, and its shelf has an end`() {
        Scenario<StockItem>.when(.receive(units: 1)).thenRefused(.unknownItem)
        Scenario<StockItem>.given(five).when(.introduce(name: "Lamp")).thenRefused(.alreadyIntroduced)
        Scenario<StockItem>.given(five).when(.receive(units: StockItem.maximumUnits)).thenRefused(.shelfIsFull)
    }
}
