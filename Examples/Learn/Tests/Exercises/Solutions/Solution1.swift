import Sillok
import Testing

/// Exercise 1: ten events of order, stock and settlement, named as facts.
enum Solution1 {
    enum OrderEvent: Codable, Sendable {
        case orderPlaced(customer: String)
        case orderPaid(payment: String, cents: Int)
        case orderCancelled(reason: String)
        case parcelHandedOver(carrier: String)
    }
    enum StockEvent: Codable, Sendable {
        case goodsReceived(units: Int)
        case stockReserved(order: String, units: Int)
        case piecesWrittenOff(reason: String, units: Int)
    }
    enum SettlementEvent: Codable, Sendable {
        case feeDeducted(payment: String, cents: Int)
        case refundIssued(payment: String, cents: Int)
        case dayClosed(day: String)
    }

    /// One value of each case.
    static let orders: [OrderEvent] = [
        .orderPlaced(customer: "Kim"), .orderPaid(payment: "p1", cents: 100), .orderCancelled(reason: "sold out"),
        .parcelHandedOver(carrier: "post"),
    ]
    static let stock: [StockEvent] = [
        .goodsReceived(units: 3), .stockReserved(order: "1", units: 1), .piecesWrittenOff(reason: "wet", units: 1),
    ]
    static let settlements: [SettlementEvent] = [
        .feeDeducted(payment: "p1", cents: 3), .refundIssued(payment: "p1", cents: 100),
        .dayClosed(day: "2026-11-23"),
    ]
}

@Suite struct Solution1Tests {
    @Test func `ten names say what has happened`() throws {
        var names: [String] = []
        for event in Solution1.orders { names.append(try EventCoding().encode(event).type.text) }
        for event in Solution1.stock { names.append(try EventCoding().encode(event).type.text) }
        for event in Solution1.settlements { names.append(try EventCoding().encode(event).type.text) }
        #expect(Set(names).count == 10)
        for name in names { #expect(FactNames.mistake(in: name) == nil) }
    }
}
