import SillokTesting
import Testing

@testable import learn

@Suite("The events of a ticket shop")
struct TicketTests {
    @Test("the code reads every version that a release wrote")
    func golden() {
        GoldenFiles(
            of: Tickets.self,
            samples: [
                .sold(buyer: "Ada", cents: 39_00, currency: "EUR", channel: "web"), .seatReleased,
                .seatTaken(seat: "12A"),
            ]
        ).check()
    }
}
