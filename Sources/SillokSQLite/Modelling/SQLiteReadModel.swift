import SillokCore
public import SillokSQL

/// Read models in an SQLite file of their own: the tables of any number of projections, and their checkpoints.
///
/// A thread of its own writes and reads it, so that no call blocks the cooperative pool.
public final class SQLiteReadModel: ReadModel {
    private enum Request: Sendable {
        case write(ReadModelWrite)
        case rows(SQL, ProjectionID?)
    }

    private enum Answer: Sendable {
        case written
        case rows([SQLRow])
    }

    private let thread: GroupCommit<Request, Answer>

    /// Opens a read model; the file is made if there is none. Blocks for as long as it takes to open a file.
    ///
    /// - Throws: `StoreError` if the file cannot be opened, is no database, or is an event store.
    public init(path: String) throws {
        let connection: ModelConnection
        do {
            connection = try ModelConnection(path: path)
        } catch let failure as SQLiteFailure {
            throw failure.storeError("cannot open the read model \(path)")
        }
        let handover = Handover(connection)
        thread = GroupCommit(
            maximumWeight: 1,
            commit: { requests in
                requests.map { request in
                    Result {
                        guard let connection = handover.value else { throw Self.closed }
                        return try Self.answer(request, connection)
                    }
                }
            }, afterCommit: {},
            atEnd: {
                handover.value?.finish()
                handover.release()
            })
    }

    /// A read model in memory, gone with its last user.
    public convenience init() throws { try self.init(path: ":memory:") }

    deinit { thread.abandon(refusing: Self.closed) }

    /// Finishes what is under way and moves everything into the one file. Later calls throw `StoreError` `closed`.
    public func close() async { await thread.close(refusing: Self.closed) }

    /// Makes all changes in one transaction, if all conditions hold in it.
    public func write(_ write: ReadModelWrite) async throws {
        _ = try await thread.submit(.write(write), weight: 1)
    }

    /// The rows that a query gives.
    public func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        guard case .rows(let rows) = try await thread.submit(.rows(query, projection), weight: 1) else { return [] }
        return rows
    }

    private static func answer(_ request: Request, _ connection: ModelConnection) throws -> Answer {
        do {
            switch request {
            case .write(let changes):
                try connection.write(changes)
                return .written
            case .rows(let query, let id): return .rows(try connection.read(query, id))
            }
        } catch let failure as SQLiteFailure {
            throw failure.storeError("the read model could not carry out its SQL")
        }
    }

    private static let closed = StoreError(.closed, "the read model is closed.")
}
