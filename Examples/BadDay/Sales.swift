import SillokProjections

/// What a till of the shop records.
enum TillEvent: Codable, Equatable, Sendable {
    case sold(item: String, cents: UInt32)
    case refunded(item: String, cents: UInt32)
}

/// The sales of each item.
struct Sales: Projection {
    static let id = "sales"

    let name = Sales.id
    let version = 1
    let source = EventQuery.category("till")
    let schema: [SQL] = [
        "CREATE TABLE \(table: "sales") (item TEXT PRIMARY KEY, count BIGINT NOT NULL, cents BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<TillEvent>) -> [SQL] {
        let (item, count, cents) =
            switch event.payload {
            case .sold(let item, let cents): (item, 1, Int(cents))
            case .refunded(let item, let cents): (item, -1, -Int(cents))
            }
        return [
            """
            INSERT INTO \(table: "sales") VALUES (\(item), \(count), \(cents))
            ON CONFLICT (item) DO UPDATE SET count = count + excluded.count, cents = cents + excluded.cents
            """
        ]
    }
}
