public import SillokCore
import SillokReadSide
package import SillokSQL

/// An attempt to send a message to an endpoint.
public struct WebhookDelivery: Hashable, Sendable {
    /// When the answer came, or the attempt failed.
    public let at: Timestamp
    /// The `webhook-id` of the message, the same for all of its attempts.
    public let message: String
    /// The position of its first event.
    public let position: Position
    /// How many events it had.
    public let events: Int
    /// The status of the answer; `nil` without an answer.
    public let status: Int?
    /// What happened, in a few words. Contains nothing of the answer's body.
    public let outcome: String
    /// How long it took.
    public let time: Duration

    package init(
        at: Timestamp, message: String, position: Position, events: Int, status: Int?, outcome: String, time: Duration
    ) {
        self.at = at
        self.message = message
        self.position = position
        self.events = events
        self.status = status
        self.outcome = outcome
        self.time = time
    }

    /// Whether the endpoint took the message.
    public var isTaken: Bool { status.map { (200..<300).contains($0) } ?? false }
}

/// The delivery log and the holds of endpoints, in tables of the read model. It is no part of any projection, so that
/// nothing rebuilds it.
package struct DeliveryLog: Sendable {
    /// What is known of the health of an endpoint.
    package struct Health: Hashable, Sendable {
        /// Nothing is sent before this time.
        package var heldUntil: Timestamp?
        /// Since when every attempt has failed; `nil` if the last one succeeded.
        package var failingSince: Timestamp?

        package init(heldUntil: Timestamp? = nil, failingSince: Timestamp? = nil) {
            self.heldUntil = heldUntil
            self.failingSince = failingSince
        }
    }

    /// How many attempts are kept for each endpoint.
    private static let kept = 1000
    private static let id = ProjectionID("webhook_log", version: 1)

    let model: any ReadModel

    package init(model: any ReadModel) { self.model = model }

    /// Creates the tables where they are missing.
    package func prepare() async throws {
        let statements: [SQL] = [
            """
            CREATE TABLE IF NOT EXISTS \(table: "deliveries") (
                endpoint TEXT NOT NULL, at BIGINT NOT NULL, message TEXT NOT NULL, position BIGINT NOT NULL,
                events INTEGER NOT NULL, status INTEGER, outcome TEXT NOT NULL, microseconds BIGINT NOT NULL)
            """,
            "CREATE INDEX IF NOT EXISTS \(index: "recent") ON \(table: "deliveries") (endpoint, at)",
            """
            CREATE TABLE IF NOT EXISTS \(table: "health") (
                endpoint TEXT NOT NULL PRIMARY KEY, held_until BIGINT, failing_since BIGINT)
            """,
        ]
        try await model.write(ReadModelWrite(statements.map { .init($0, of: Self.id) }))
    }

    /// Adds attempts, and removes the oldest.
    package func add(_ deliveries: [WebhookDelivery], of endpoint: String) async throws {
        if deliveries.isEmpty { return }
        var changes = deliveries.map { delivery in
            ReadModelWrite.Change(
                """
                INSERT INTO \(table: "deliveries") VALUES (
                    \(endpoint), \(delivery.at), \(delivery.message), \(delivery.position), \(delivery.events),
                    \(delivery.status), \(delivery.outcome), \(delivery.time.wholeMicroseconds))
                """, of: Self.id)
        }
        changes.append(
            .init(
                """
                DELETE FROM \(table: "deliveries") WHERE endpoint = \(endpoint) AND at < (
                    SELECT at FROM \(table: "deliveries") WHERE endpoint = \(endpoint)
                    ORDER BY at DESC LIMIT 1 OFFSET \(Self.kept))
                """, of: Self.id))
        try await model.write(ReadModelWrite(changes))
    }

    /// Returns attempts, the newest first.
    package func deliveries(
        of endpoint: String, before cursor: (at: Timestamp, position: Position)? = nil, limit: Int
    ) async throws -> [WebhookDelivery] {
        var place: SQL = ""
        if let (at, position) = cursor {
            place = "AND at <= \(at) AND (at < \(at) OR position < \(position))"
        }
        let query: SQL = """
            SELECT at, message, position, events, status, outcome, microseconds FROM \(table: "deliveries")
            WHERE endpoint = \(endpoint) \(place) ORDER BY at DESC, position DESC LIMIT \(limit)
            """
        return try await model.rows(query.ofSillok, of: Self.id).map { row in
            WebhookDelivery(
                at: try row.time("at"), message: try row.text("message"), position: try row.position("position"),
                events: try row.count("events"), status: row["status"].integer.map { Int(clamping: $0) },
                outcome: try row.text("outcome"), time: .microseconds(try row.integer("microseconds")))
        }
    }

    /// Returns the health of an endpoint.
    package func health(of endpoint: String) async throws -> Health {
        let query: SQL = "SELECT held_until, failing_since FROM \(table: "health") WHERE endpoint = \(endpoint)"
        let row = try await model.rows(query.ofSillok, of: Self.id).first
        let times = ["held_until", "failing_since"].map { column in
            row?[column].integer.map { Timestamp(microsecondsSince1970: $0) }
        }
        return Health(heldUntil: times[0], failingSince: times[1])
    }

    /// Stores the health of an endpoint.
    package func set(_ health: Health, of endpoint: String) async throws {
        try await model.write(
            ReadModelWrite([
                .init("DELETE FROM \(table: "health") WHERE endpoint = \(endpoint)", of: Self.id),
                .init(
                    """
                    INSERT INTO \(table: "health") VALUES (
                        \(endpoint), \(health.heldUntil), \(health.failingSince))
                    """, of: Self.id),
            ]))
    }
}
