import Sillok
import SillokServer

/// A server on a port of its own, for as long as a test needs it.
final class RunningServer: Sendable {
    let port: Int
    private let task: Task<Void, any Error>

    /// Starts a server and waits until it takes calls.
    init(
        serving store: any EventStore, _ configuration: GRPCServer.Configuration = .init(),
        isPortKept: Bool = false,
        authorizer: @escaping Authorizer = { _, _, _ in .allowed(principal: "anyone") }
    ) async throws {
        var configuration = configuration
        if !isPortKept { configuration.port = 0 }
        configuration.drain = min(configuration.drain, .seconds(2))
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let server = GRPCServer(serving: store, configuration, authorizer: authorizer) { port in
            continuation.yield(port)
            continuation.finish()
        }
        let task = Task {
            defer { continuation.finish() }
            try await server.run()
        }
        self.task = task
        guard let port = await ports.first(where: { _ in true }) else {
            try await task.value
            throw StoreError(.unavailable, "the server ended before it listened")
        }
        self.port = port
    }

    var address: String { "sillok://127.0.0.1:\(port)" }

    /// Stops the server and waits until it has ended.
    func stop() async {
        task.cancel()
        _ = await task.result
    }
}
