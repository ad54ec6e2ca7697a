import SillokProjections
#if Postgres
import Foundation
import SillokPostgres

/// Counts and sums per stream, in SQL that would count twice what is applied twice.
struct WrittenCounts: Projection {
    enum Event: Codable, Sendable { case written(n: Int, part: Int) }

    let name = "written_counts"
    let version = 1
    let source = EventQuery.category("writer")
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "written_counts") (
            stream TEXT PRIMARY KEY, events BIGINT NOT NULL, total BIGINT NOT NULL, last BIGINT NOT NULL)
        """
    ]

    func project(_ event: Recorded<Event>) -> [SQL] {
        let (n, part) =
            switch event.payload {
            case .written(let n, let part): (n, part)
            }
        return [
            """
            INSERT INTO \(table: "written_counts") AS w
            VALUES (\(event.stream), 1, \(n * 10 + part), \(event.position))
            ON CONFLICT (stream) DO UPDATE SET events = w.events + 1, total = w.total + excluded.total,
            last = excluded.last
            """
        ]
    }
}

/// A projector that shares its partitions with those of other processes.
struct Projecting: Sendable {
    let connection: String
    let schema: String
    let model: String
    let partitions: Int

    func run() async throws {
        let store = try await PostgresEventStore(connection, schema: schema, mode: .existing)
        let model = try await PostgresReadModel(connection, schema: model)
        print("ready")
        fflush(nil)
        try await Projector(
            WrittenCounts(), from: store, into: model,
            options: ProjectorOptions(
                failures: .stop, partitions: partitions, lease: .milliseconds(400), batch: 50,
                pollInterval: .milliseconds(100))
        ).run()
    }
}
#endif
