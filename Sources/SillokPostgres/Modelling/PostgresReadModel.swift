import SillokThreads
#if Postgres
import SillokCore
public import SillokSQL

/// Read models in a schema of a PostgreSQL database: the tables of any number of projections, and their checkpoints.
///
/// Any number of processes may write to it, one after the other. One thread writes and two read; one of these is only
/// for projections. So no call blocks the cooperative pool, and no long query of an application delays a projector. If
/// a connection breaks, the client searches for the server that accepts writes. If the answer of a write was lost, the
/// client checks whether the write was executed, and repeats it if not.
///
/// A projection may only access the tables that it names by `\(table:)`. Its SQL is PostgreSQL's. SQL that only uses
/// what SQLite has too, such as `TEXT`, `BIGINT`, `DOUBLE PRECISION` and `ON CONFLICT`, runs on both.
public final class PostgresReadModel: ReadModel {
    /// The schema of the tables.
    public let schema: String

    private let writing: GroupCommit<ModelWriter.Request, Void>
    private let queries: ModelQueries
    private let isClosed: Lock<Bool>

    /// Opens a read model, and creates its schema if there is none.
    ///
    /// - Parameters:
    ///   - connection: a connection string of libpq, as for `PostgresEventStore`.
    ///   - schema: the schema of the tables.
    ///   - timeout: how long a call searches for a server that accepts writes before the call fails. It begins when the
    ///     call is made. The default outlasts a failover, which takes up to 34 s.
    /// - Throws: `StoreError`: `unavailable`, `unsupportedFormat` if the read model has a newer format, `readOnly` if
    ///   the role may not do this.
    public init(
        _ connection: String, schema: String = "read_model", timeout: Duration = .seconds(45)
    ) async throws {
        let address = ServerAddress(text: connection, schema: schema)
        let isClosed = Lock(false)
        self.schema = schema
        self.isClosed = isClosed
        let reachability = Reachability()
        @Sendable func session() -> Session {
            Session(address, for: .writing, timeout: timeout, reachability: reachability) {
                isClosed.withLock { $0 }
            }
        }
        let id = EventID().description
        try await onOwnThread {
            do {
                try ModelWriter(Session(address, for: .writing, timeout: timeout), writer: id).install()
            } catch let failure as PostgresFailure {
                throw failure.storeError("cannot open the read model at \(address.described)")
            }
        }
        let writer = Handover(ModelWriter(session(), writer: id))
        writing = GroupCommit(
            maximumWeight: 1,
            commit: { writes in
                writes.map { write in
                    Result {
                        guard let writer = writer.value else { throw Self.closed }
                        try writer.write(write)
                    }
                }
            }, afterCommit: {},
            atEnd: {
                writer.value?.finish()
                writer.release()
            })
        queries = ModelQueries(closed: Self.closed) { ModelReader(session: session()).rows(_:) }
    }

    deinit {
        isClosed.withLock { $0 = true }
        writing.abandon(refusing: Self.closed)
    }

    /// Finishes the current work and closes the connections. Later calls throw `StoreError` `closed`.
    public func close() async {
        isClosed.withLock { $0 = true }
        await queries.close()
        await writing.close(refusing: Self.closed)
    }

    /// Executes all changes in one transaction, if all conditions hold in that transaction.
    public func write(_ write: ReadModelWrite) async throws { try await writing.submit(.init(write: write), weight: 1) }

    /// Returns the rows of a query. The query sees every write that has returned.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled; `StoreError`: `invalidQuery` if its SQL is wrong
    ///   or would change data.
    public func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await queries.rows(query, projection)
    }

    private static let closed = StoreError(.closed, "the read model is closed.")
}
#endif
