import SillokCore
public import SillokSQL
import SillokThreads

/// Read models in an SQLite file of their own: the tables of any number of projections, and their checkpoints.
///
/// One thread writes and others read, so that no call blocks the cooperative pool, no query waits for a long write, and no
/// projector for a long query.
/// Several processes may have the file open and write to it in turn, such as an application and a tool.
///
/// The file is not as durable as the log (`synchronous = NORMAL`): a power cut may take the last writes away, rows and
/// checkpoint together, and the projector makes them again.
public final class SQLiteReadModel: ReadModel {
    private enum Request: Sendable {
        case write(ReadModelWrite)
        case rows(ModelQueries.Query)
    }

    private let writing: GroupCommit<Request, [SQLRow]>
    /// `nil` in memory, where one connection does all.
    private let queries: ModelQueries?
    /// Those of the one connection, in memory.
    private let running = RunningQueries(closed: SQLiteReadModel.closed)

    /// Opens a read model; the file is made if there is none. Blocks for as long as it takes to open a file.
    ///
    /// - Parameter path: the file. Beside it stand two more while it is open, ending in `-wal` and `-shm`, and `-lock`.
    /// - Throws: `StoreError`: `unsupportedFormat` if the file is an event store, no database or of a newer format,
    ///   `locked` if another process does not let it write, `notFound`, `readOnly`, `ioFailure`, `corrupt`.
    public convenience init(path: String) throws {
        try self.init(ModelOpening(path: path, tuning: Tuning(), patience: .seconds(10)))
    }

    /// Opens a read model in memory: nobody else sees it, and it is gone when it is let go.
    public convenience init() throws {
        try self.init(ModelOpening(path: nil, tuning: Tuning(), patience: .zero))
    }

    /// Opens a read model that does its house-keeping at other sizes, and waits that long for its turn to write.
    package convenience init(path: String, tuning: Tuning, patience: Duration) throws {
        try self.init(ModelOpening(path: path, tuning: tuning.supported, patience: patience))
    }

    private init(_ opening: ModelOpening) throws {
        let writer = try opening.writer()
        queries = writer.file.map { file in
            ModelQueries(closed: Self.closed) {
                let reader = try ModelReader(file)
                return { try reader.rows($0) }
            }
        }
        let written = Handover(writer)
        writing = GroupCommit(
            maximumWeight: 1, cancelledInCommit: RunningQueries.cancelled,
            commit: { requests in
                requests.map { request in
                    Result {
                        guard let writer = written.value else { throw Self.closed }
                        switch request {
                        case .write(let write):
                            try writer.write(write)
                            return []
                        case .rows(let query): return try writer.rows(query)
                        }
                    }
                }
            }, afterCommit: { written.value?.checkpointIfDue() },
            atEnd: {
                written.value?.finish()
                written.release()
            })
    }

    deinit { writing.abandon(refusing: Self.closed) }

    /// Finishes the writes that are under way, ends the queries, and moves everything into the one file. Queries that it
    /// ends and later calls throw `StoreError` `closed`.
    public func close() async {
        running.cancel()
        await queries?.close()
        await writing.close(refusing: Self.closed)
    }

    /// Makes all changes in one transaction, if all conditions hold in it.
    public func write(_ write: ReadModelWrite) async throws { _ = try await writing.submit(.write(write), weight: 1) }

    /// The rows that a query gives, which sees every write that has returned.
    ///
    /// - Throws: `CancellationError` when the task is cancelled, however long the query would take; `StoreError`:
    ///   `invalidQuery` if its SQL is wrong or would change something.
    public func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        if let queries { return try await queries.rows(query, projection) }
        return try await running.rows(query, projection) { query, isWithdrawn in
            if isWithdrawn { return try await writing.submit(.rows(query), weight: 1, bytes: 0) }
            return try await writing.submit(.rows(query), weight: 1)
        }
    }

    private static let closed = StoreError(.closed, "the read model is closed.")
}
