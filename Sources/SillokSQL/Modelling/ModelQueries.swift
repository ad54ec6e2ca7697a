package import SillokCore
import SillokThreads

/// The threads that answer queries of a read model, each with a connection of its own.
///
/// One serves Sillok and its projections, the other serves applications: a long query of an application does not delay
/// a projector. A thread is started, and its connection opened, for the first query.
package final class ModelQueries: Sendable {
    /// A query as it waits for its turn.
    package struct Query: Sendable {
        package let sql: SQL
        /// The build whose tables it names, or `nil`.
        package let projection: ProjectionID?
        /// Says when the caller asked for it, and whether the caller still waits.
        package let cancellation = Cancellation()
    }

    /// How a connection answers a query. Used by one thread alone.
    package typealias Answering = (Query) throws -> [SQLRow]

    private typealias Worker = GroupCommit<Query, [SQLRow]>

    private struct State {
        var own: Worker?
        var others: Worker?
        var isClosed = false
    }

    private let open: @Sendable () throws -> Answering
    private let closed: StoreError
    private let state = Lock(State())

    /// - Parameters:
    ///   - closed: what queries are refused with when it is closed.
    ///   - open: opens a connection, on the thread that uses it.
    package init(closed: StoreError, open: @escaping @Sendable () throws -> Answering) {
        self.open = open
        self.closed = closed
    }

    deinit {
        let state = state.withLock { $0 }
        for worker in [state.own, state.others] { worker?.abandon(refusing: closed) }
    }

    /// The rows that a query gives.
    package func rows(_ query: SQL, _ projection: ProjectionID?) async throws -> [SQLRow] {
        let isOwn = projection != nil || query.isOfSillok
        let (open, closed) = (open, closed)
        let worker = try state.withLock { state throws(StoreError) -> Worker in
            if state.isClosed { throw closed }
            if let worker = isOwn ? state.own : state.others { return worker }
            let worker = Self.worker(open)
            if isOwn { state.own = worker } else { state.others = worker }
            return worker
        }
        let waiting = Query(sql: query, projection: projection)
        // What Sillok asks for itself may belong to its cleaning up after a cancelled task.
        if isOwn { return try await worker.submit(waiting, weight: 1) }
        do {
            // A query of a cancelled task leaves the queue. One that runs ends if the database can end it.
            return try await withTaskCancellationHandler {
                try await worker.submit(waiting, weight: 1, bytes: 0)
            } onCancel: {
                waiting.cancellation.cancel()
            }
        } catch let error as StoreError where error.code == .cancelled && Task.isCancelled {
            throw CancellationError()
        }
    }

    /// Lets queries finish that are under way, and refuses others.
    package func close() async {
        let state = state.withLock { state in
            state.isClosed = true
            return state
        }
        await state.own?.close(refusing: closed)
        await state.others?.close(refusing: closed)
    }

    /// A thread that answers queries one by one; it opens its connection for the first.
    private static func worker(_ open: @escaping @Sendable () throws -> Answering) -> Worker {
        let opened = Handover<Answering?>(nil)
        return GroupCommit(
            maximumWeight: 1,
            commit: { queries in
                queries.map { query in
                    Result {
                        let answer = try opened.made { try open() }
                        return try answer(query)
                    }
                }
            }, afterCommit: {}, atEnd: { opened.release() })
    }
}
