import Sillok
import SillokSQL
import SillokSQLite
import SillokTesting
import Testing

@testable import learn

@Suite struct MatrixTests {
    private var history: [(stream: StreamID, event: OrderFact)] {
        (1...5).flatMap { number in
            [
                (StreamID("order", "\(number)"), OrderFact.orderPlaced(customer: "Kim")),
                (StreamID("payment", "\(number)"), OrderFact.paymentReceived(order: "\(number)", cents: 100)),
            ]
        }
    }

    @Test func `money that comes before its order is kept`() async throws {
        let matrix = ProjectionMatrix(PatientOrders(), rows: "SELECT * FROM orders ORDER BY id") {
            try SQLiteReadModel()
        }
        let variations = try await matrix.check(history, seed: 1)
        #expect(variations > 20)
    }

    @Test func `the matrix finds the order that a projection assumes`() async throws {
        let matrix = ProjectionMatrix(HastyOrders(), rows: "SELECT * FROM orders ORDER BY id") {
            try SQLiteReadModel()
        }
        let history = history
        await #expect(throws: ProjectionMatrix.Failure.self) { try await matrix.check(history, seed: 1) }
    }
}
