import SillokCore
import SillokGRPC

/// The connections of a client to its server: one for calls that are answered at once, the others for waits.
///
/// A wait holds a stream of its connection for seconds. A server takes a limited number of streams on a connection, and
/// a call beyond it queues. So waits never share a connection with other calls, and another connection is made when
/// those for waits are full.
final class Connections: Sendable {
    /// What a connection is used for.
    enum Use {
        case calls
        case waits
    }

    private struct State {
        var waits: [Connector] = []
        var expected: StoreID?
        var isClosed = false
    }

    let address: ServerAddress
    private let options: RemoteEventStore.Options
    private let calls: Connector
    private let state = Lock(State())

    init(address: ServerAddress, options: RemoteEventStore.Options) {
        self.address = address
        self.options = options
        calls = Connector(address: address, options: options)
    }

    /// From now on only this store will do.
    func expect(_ store: StoreID) {
        state.withLock { $0.expected = store }
        calls.expect(store)
    }

    /// Runs `body` with a connection that has room for a call.
    ///
    /// - Throws: what `body` throws, and `CallFailure` if no connection can be made.
    func with<Result>(_ use: Use, _ body: (ClientConnection) async throws -> Result) async throws -> Result {
        if use == .calls { return try await body(try await calls.connection()) }
        var index = 0
        while true {
            let connector = try connector(at: index)
            let connection = try await connector.connection()
            if connector.takePlace() {
                defer { connector.freePlace() }
                return try await body(connection)
            }
            index += 1
        }
    }

    private func connector(at index: Int) throws -> Connector {
        try state.withLock { state in
            if state.isClosed { throw CallFailure(.closed, mayHaveHappened: false) }
            if index == state.waits.count {
                state.waits.append(Connector(address: address, options: options, expected: state.expected))
            }
            return state.waits[index]
        }
    }

    /// Closes all connections. Calls that are made later fail.
    func close() async {
        let waits = state.withLock { state in
            state.isClosed = true
            return state.waits
        }
        for connector in [calls] + waits { await connector.close() }
    }
}
