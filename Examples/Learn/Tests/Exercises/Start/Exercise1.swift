import Sillok
import Testing

/// Exercise 1: ten events of order, stock and settlement, named as facts.
enum Exercise1 {
    // These names are bad. Replace the cases of the three enums by ten facts in all.
    enum OrderEvent: Codable, Sendable {
        case createOrder(customer: String)
        case orderStatusChanged(status: String)
    }
    enum StockEvent: Codable, Sendable {
        case stockUpdate(item: String, newQuantity: Int)
    }
    enum SettlementEvent: Codable, Sendable {
        case withdrawRequested(cents: Int)
    }

    /// One value of each case.
    static let orders: [OrderEvent] = [.createOrder(customer: "Kim"), .orderStatusChanged(status: "PAID")]
    static let stock: [StockEvent] = [.stockUpdate(item: "lamp", newQuantity: 3)]
    static let settlements: [SettlementEvent] = [.withdrawRequested(cents: 100)]
}

@Suite(.enabled(if: Exercises.areOpen)) struct Exercise1Tests {
    @Test func `ten names say what has happened`() throws {
        var names: [String] = []
        for event in Exercise1.orders { names.append(try EventCoding().encode(event).type.text) }
        for event in Exercise1.stock { names.append(try EventCoding().encode(event).type.text) }
        for event in Exercise1.settlements { names.append(try EventCoding().encode(event).type.text) }
        #expect(Set(names).count == 10)
        for name in names { #expect(FactNames.mistake(in: name) == nil) }
    }
}
