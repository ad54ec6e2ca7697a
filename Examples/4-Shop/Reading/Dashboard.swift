import SillokProjections

/// What each day brought: a row a day of sums, so that the order of events within a day does not matter.
///
/// Orders that are open and pieces on the shelf at the end of a day are the sums of all days up to it.
struct Dashboard: Projection {
    enum Event: Codable, Sendable, EvolvingEvent {
        case orderPlaced, orderShipped, orderCancelled
        case stockReceived(units: Int), stockDispatched(units: Int), stockReturned(units: Int)
        case stockCounted(difference: Int)
        case chargeRecorded(cents: Int), refundRecorded(cents: Int), feeApplied(cents: Int)

        /// A new version of a type is read here as the enum that writes it says.
        static let schema = EventSchema.of(Order.Event.self, StockItem.Event.self, Settlement.Event.self)
    }

    let name = "dashboard"
    let version = 1
    let source = EventQuery.types(
        "orderPlaced", "orderShipped", "orderCancelled", "stockReceived", "stockDispatched", "stockReturned",
        "stockCounted", "chargeRecorded", "refundRecorded", "feeApplied")

    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "days") (
            day TEXT PRIMARY KEY, placed BIGINT NOT NULL, finished BIGINT NOT NULL, stocked BIGINT NOT NULL,
            charged BIGINT NOT NULL, refunded BIGINT NOT NULL, fees BIGINT NOT NULL)
        """
    ]

    /// A row of ``days``.
    struct Row: Decodable {
        let day: String
        let placed: Int
        let open: Int
        let charged: Int
        let refunded: Int
        let revenue: Int
        let stock: Int
    }

    /// The days in order, each with its revenue, and with orders and stock as they were at its end.
    static let days: SQL = """
        SELECT day, placed, charged, refunded, charged - refunded - fees AS revenue,
            SUM(placed - finished) OVER (ORDER BY day) AS open, SUM(stocked) OVER (ORDER BY day) AS stock
        FROM days ORDER BY day
        """

    func project(_ event: Recorded<Event>) -> [SQL] {
        let change: SQL =
            switch event.payload {
            case .orderPlaced: "placed = placed + 1"
            case .orderShipped, .orderCancelled: "finished = finished + 1"
            case .stockReceived(let units), .stockReturned(let units): "stocked = stocked + \(units)"
            case .stockDispatched(let units): "stocked = stocked - \(units)"
            case .stockCounted(let difference): "stocked = stocked + \(difference)"
            case .chargeRecorded(let cents): "charged = charged + \(cents)"
            case .refundRecorded(let cents): "refunded = refunded + \(cents)"
            case .feeApplied(let cents): "fees = fees + \(cents)"
            }
        return [
            "INSERT INTO \(table: "days") VALUES (\(event.day), 0, 0, 0, 0, 0, 0) ON CONFLICT (day) DO NOTHING",
            "UPDATE \(table: "days") SET \(change) WHERE day = \(event.day)",
        ]
    }
}
