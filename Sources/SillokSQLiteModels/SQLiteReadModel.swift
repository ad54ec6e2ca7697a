import SillokCore
public import SillokSQL
package import SillokSQLiteConnections
import SillokThreads

/// Read models in an SQLite file of their own: the tables of any number of projections, and their checkpoints.
///
/// One thread writes and others read. So no call blocks the cooperative pool, no query waits for a long write, and no
/// projector waits for a long query. Several processes, such as an application and a tool, may have the file open and
/// write to it in turn.
///
/// The file is not as durable as the log (`synchronous = NORMAL`). A power cut may remove the last writes, rows and
/// checkpoint together; the projector then projects the events again.
public final class SQLiteReadModel: ReadModel {
    private enum Request: Sendable {
        case write(ReadModelWrite)
        case rows(ModelQueries.Query)
    }

    private let writing: GroupCommit<Request, [SQLRow]>
    /// `nil` in memory, where one connection does everything.
    private let queries: ModelQueries?
    /// Those of the one connection, in memory.
    private let running = RunningQueries(closed: SQLiteReadModel.closed)

    /// Opens a read model, and creates the file if there is none. Blocks until the file is open.
    ///
    /// - Parameter path: the file. While it is open there are three more files: `-wal`, `-shm` and `-lock`.
    /// - Throws: `StoreError`: `unsupportedFormat` if the file is an event store, no database, or of a newer format;
    ///   `locked` if another process prevents writing; `notFound`, `readOnly`, `ioFailure`, `corrupt`.
    public convenience init(path: String) throws {
        try self.init(ModelOpening(path: path, checkpoints: CheckpointSizes(), timeout: .seconds(10)))
    }

    /// Opens a read model in memory. Only this object can read it, and it is lost when the object is released.
    public convenience init() throws {
        try self.init(ModelOpening(path: nil, checkpoints: CheckpointSizes(), timeout: .zero))
    }

    /// Opens a read model with other sizes of the write-ahead log.
    ///
    /// - Parameter timeout: the maximum time to wait for a turn to write.
    package convenience init(path: String, checkpoints: CheckpointSizes, timeout: Duration) throws {
        try self.init(ModelOpening(path: path, checkpoints: checkpoints.supported, timeout: timeout))
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

    /// Finishes running writes, ends running queries, and moves the write-ahead log into the file. Ended queries and
    /// later calls throw `StoreError` `closed`.
    public func close() async {
        running.cancel()
        await queries?.close()
        await writing.close(refusing: Self.closed)
    }

    /// Executes all changes in one transaction, if all conditions hold in that transaction.
    public func write(_ write: ReadModelWrite) async throws { _ = try await writing.submit(.write(write), weight: 1) }

    /// Returns the rows of a query. The query sees every write that has returned.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled, also during a long query; `StoreError`:
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
