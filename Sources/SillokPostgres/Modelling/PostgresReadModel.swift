#if Postgres
import SillokCore
public import SillokSQL

/// Read models in a schema of a PostgreSQL database: the tables of any number of projections, and their checkpoints.
///
/// Any number of processes may write to it, one after the other. One thread writes and another reads, so that no call
/// blocks the cooperative pool. When a connection breaks, the server that takes writes is looked for; a write whose answer
/// was lost is found, or made.
///
/// A projection may touch the tables alone that it names by `\(table:)`. What its SQL may say is PostgreSQL's; what it
/// shares with SQLite, in `TEXT`, `BIGINT`, `DOUBLE PRECISION` and `ON CONFLICT`, runs on both.
public final class PostgresReadModel: ReadModel {
    private enum Request: Sendable {
        case write(ReadModelWrite)
        case rows(SQL, ProjectionID?)
    }

    private typealias Worker = GroupCommit<Request, [SQLRow]>

    /// The schema that the tables are in.
    public let schema: String

    private let writing: Worker
    private let reading: Worker
    private let isClosed: Lock<Bool>

    /// Opens a read model; its schema is made if there is none.
    ///
    /// - Parameters:
    ///   - connection: a connection string of libpq, as for `PostgresEventStore`.
    ///   - schema: the schema of the tables.
    ///   - patience: for how long the server is looked for when it is away, before a call fails.
    /// - Throws: `StoreError`: `unavailable`, `unsupportedFormat` if it is of a newer format, `readOnly` if the role may not
    ///   do this.
    public init(
        _ connection: String, schema: String = "read_model", patience: Duration = .seconds(15)
    ) async throws {
        let address = ServerAddress(text: connection, schema: schema)
        let isClosed = Lock(false)
        self.schema = schema
        self.isClosed = isClosed
        func session() -> Session {
            Session(address, for: .writing, patience: patience) { isClosed.withLock { $0 } }
        }
        let id = EventID().description
        try await onOwnThread {
            do {
                try ModelWriter(Session(address, for: .writing, patience: patience), writer: id).install()
            } catch let failure as PostgresFailure {
                throw failure.storeError("cannot open the read model at \(address.described)")
            }
        }
        let writer = Handover(ModelWriter(session(), writer: id))
        let reader = Handover(ModelReader(session: session()))
        writing = Self.worker(
            answer: { request in
                guard case .write(let write) = request, let writer = writer.value else { throw Self.closed }
                try writer.write(write)
                return []
            },
            atEnd: {
                writer.value?.finish()
                writer.release()
            })
        reading = Self.worker(
            answer: { request in
                guard case .rows(let query, let projection) = request, let reader = reader.value else {
                    throw Self.closed
                }
                return try reader.rows(query, of: projection)
            }, atEnd: { reader.release() })
    }

    deinit {
        isClosed.withLock { $0 = true }
        reading.abandon(refusing: Self.closed)
        writing.abandon(refusing: Self.closed)
    }

    /// Finishes what is under way and lets go of the connections. Later calls throw `StoreError` `closed`.
    public func close() async {
        isClosed.withLock { $0 = true }
        await reading.close(refusing: Self.closed)
        await writing.close(refusing: Self.closed)
    }

    /// Makes all changes in one transaction, if all conditions hold in it.
    public func write(_ write: ReadModelWrite) async throws { _ = try await writing.submit(.write(write), weight: 1) }

    /// The rows that a query gives, which sees every write that has returned.
    ///
    /// - Throws: `StoreError`: `invalidQuery` if its SQL is wrong or would change something.
    public func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await reading.submit(.rows(query, projection), weight: 1)
    }

    /// A thread that answers requests one by one.
    private static func worker(
        answer: @escaping @Sendable (Request) throws -> [SQLRow], atEnd: @escaping @Sendable () -> Void
    ) -> Worker {
        GroupCommit(
            maximumWeight: 1, commit: { requests in requests.map { request in Result { try answer(request) } } },
            afterCommit: {}, atEnd: atEnd)
    }

    private static let closed = StoreError(.closed, "the read model is closed.")
}
#endif
