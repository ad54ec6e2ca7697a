import SillokCore
import SillokSQL

/// The threads that answer queries of a read model in a file, each with a connection of its own.
///
/// One is for what Sillok asks for itself and its projections, one for all else: a long query of an application holds up
/// no projector. A thread is started, and its connection opened, for the first query.
final class ModelQueries: Sendable {
    private typealias Query = (query: SQL, projection: ProjectionID?)
    private typealias Worker = GroupCommit<Query, [SQLRow]>

    private struct State {
        var own: Worker?
        var others: Worker?
        var isClosed = false
    }

    private let path: String
    private let closed: StoreError
    private let state = Lock(State())

    /// - Parameter closed: what queries are refused with when it is closed.
    init(path: String, closed: StoreError) {
        self.path = path
        self.closed = closed
    }

    deinit {
        let state = state.withLock { $0 }
        for worker in [state.own, state.others] { worker?.abandon(refusing: closed) }
    }

    /// The rows that a query gives.
    func rows(_ query: SQL, _ projection: ProjectionID?) async throws -> [SQLRow] {
        let isOwn = projection != nil || query.template.contains("sillok_")
        let (path, closed) = (path, closed)
        let worker = try state.withLock { state throws(StoreError) -> Worker in
            if state.isClosed { throw closed }
            if let worker = isOwn ? state.own : state.others { return worker }
            let worker = Self.worker(path)
            if isOwn { state.own = worker } else { state.others = worker }
            return worker
        }
        return try await worker.submit((query, projection), weight: 1)
    }

    /// Lets queries finish that are under way, and refuses others.
    func close() async {
        let state = state.withLock { state in
            state.isClosed = true
            return state
        }
        await state.own?.close(refusing: closed)
        await state.others?.close(refusing: closed)
    }

    /// A thread that answers queries one by one; it opens the file for the first.
    private static func worker(_ path: String) -> Worker {
        let opened = Handover<ModelReader?>(nil)
        return GroupCommit(
            maximumWeight: 1,
            commit: { queries in
                queries.map { query in
                    Result {
                        let reader = try opened.made { try ModelReader(path: path) }
                        return try reader.rows(query.query, of: query.projection)
                    }
                }
            }, afterCommit: {}, atEnd: { opened.release() })
    }
}
