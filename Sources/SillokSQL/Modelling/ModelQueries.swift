package import SillokCore
package import SillokThreads

/// The threads that answer queries of a read model, each with a connection of its own.
///
/// One is for what Sillok asks for itself and its projections, one for all else: a long query of an application holds
/// up no projector. A thread is started, and its connection opened, for the first query.
package final class ModelQueries: Sendable {
    /// A query as it waits for its turn.
    package struct Query: Sendable {
        package let sql: SQL
        /// The build whose tables it names, or `nil`.
        package let projection: ProjectionID?
        /// Says when the caller asked for it, and whether its answer is still wanted.
        package let cancellation: Cancellation

        /// Whether it is Sillok's own: about what it knows of projections.
        fileprivate var isOwn: Bool { sql.isOfSillok }
    }

    /// How a connection answers a query. Used by one thread alone. It throws `CancellationError` when the query's
    /// cancellation is set.
    package typealias Answering = (Query) throws -> [SQLRow]

    private typealias Worker = GroupCommit<Query, [SQLRow]>

    private struct State {
        var own: Worker?
        var others: Worker?
        var isClosed = false
    }

    private let open: @Sendable () throws -> Answering
    private let closed: StoreError
    private let running: RunningQueries
    private let state = Lock(State())

    /// - Parameters:
    ///   - closed: what queries are refused with when it is closed.
    ///   - open: opens a connection, on the thread that uses it.
    package init(closed: StoreError, open: @escaping @Sendable () throws -> Answering) {
        self.open = open
        self.closed = closed
        running = RunningQueries(closed: closed)
    }

    deinit {
        let state = state.withLock { $0 }
        running.cancel()
        for worker in [state.own, state.others] { worker?.abandon(refusing: closed) }
    }

    /// The rows that a query gives.
    ///
    /// - Throws: `CancellationError` at once if the task is cancelled, except for Sillok's own queries.
    package func rows(_ query: SQL, _ projection: ProjectionID?) async throws -> [SQLRow] {
        try await running.rows(query, projection) { query, isWithdrawn in
            let worker = try worker(isOwn: projection != nil || query.isOwn)
            if isWithdrawn { return try await worker.submit(query, weight: 1, bytes: 0) }
            return try await worker.submit(query, weight: 1)
        }
    }

    private func worker(isOwn: Bool) throws(StoreError) -> Worker {
        let (open, closed) = (open, closed)
        return try state.withLock { state throws(StoreError) -> Worker in
            if state.isClosed { throw closed }
            if let worker = isOwn ? state.own : state.others { return worker }
            let worker = Self.worker(open)
            if isOwn { state.own = worker } else { state.others = worker }
            return worker
        }
    }

    /// Ends the queries that are under way, which throw `closed`, and refuses others.
    package func close() async {
        let state = state.withLock { state in
            state.isClosed = true
            return state
        }
        running.cancel()
        await state.own?.close(refusing: closed)
        await state.others?.close(refusing: closed)
    }

    /// A thread that answers queries one by one; it opens its connection for the first.
    private static func worker(_ open: @escaping @Sendable () throws -> Answering) -> Worker {
        let opened = Handover<Answering?>(nil)
        return GroupCommit(
            maximumWeight: 1, cancelledInCommit: RunningQueries.cancelled,
            commit: { queries in
                queries.map { query in
                    Result {
                        try query.cancellation.check()
                        let answer = try opened.made { try open() }
                        return try answer(query)
                    }
                }
            }, afterCommit: {}, atEnd: { opened.release() })
    }
}

/// The queries of a read model that wait or are being answered. Each ends when its task is cancelled or the read model
/// closes.
package final class RunningQueries: Sendable {
    private let requests: RunningRequests

    /// - Parameter closed: the error of queries that come later, and of those that closing ends.
    package init(closed: StoreError) { requests = RunningRequests(closed: closed) }

    /// What a thread answers a caller with whose task is cancelled during the query: see `GroupCommit`.
    package static let cancelled = StoreError(.cancelled, "The task was cancelled while its query ran.")

    /// Answers a query.
    ///
    /// - Parameter answer: submits it to a thread; `true`: and answers at once when the task is cancelled.
    package func rows(
        _ sql: SQL, _ projection: ProjectionID?, _ answer: (ModelQueries.Query, Bool) async throws -> [SQLRow]
    ) async throws -> [SQLRow] {
        try await requests.run { cancellation in
            let query = ModelQueries.Query(sql: sql, projection: projection, cancellation: cancellation)
            // What Sillok asks for itself may belong to its cleaning up after a cancelled task.
            if query.isOwn { return try await answer(query, false) }
            do {
                return try await withTaskCancellationHandler {
                    try await answer(query, true)
                } onCancel: {
                    cancellation.cancel()
                }
            } catch let error as StoreError where error.code == .cancelled && Task.isCancelled {
                throw CancellationError()
            }
        }
    }

    /// Ends the queries that are under way, and refuses others.
    package func cancel() { requests.cancel() }
}
