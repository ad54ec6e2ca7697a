import NIOCore
import NIOPosix
public import NIOSSL
public import ServiceLifecycle
public import SillokCore
import SillokGRPC
import SillokUmaDB

/// Serves a store over gRPC: UmaDB's protocol for clients that exist, and `sillok.v1` for `RemoteEventStore`.
///
/// A service that runs until it is told to stop: then it takes no new connection, lets what is in flight finish, and
/// ends subscriptions with a status that says so. It runs no domain and stores nothing itself.
public struct GRPCServer: Service {
    /// Where a server listens and what it holds callers to.
    public struct Configuration: Sendable {
        /// The address to listen on.
        public var host = "127.0.0.1"
        /// The port to listen on; 0 lets the system choose.
        public var port = 50051
        /// Returns the TLS context of each new connection, so that it can be loaded again; `nil` for plain text. It is
        /// called on a thread that may block.
        public var tls: (@Sendable () throws -> NIOSSLContext)?
        /// Connections at once: 1,000.
        public var connections = 1000
        /// Calls at once on one connection: 256.
        public var streamsPerConnection = 256
        /// Calls at once on all connections, subscriptions aside: 4,000. More are refused with a hint to wait.
        public var calls = 4000
        /// Subscriptions at once of one principal: 100.
        public var subscriptionsPerPrincipal = 100
        /// Bytes of requests that are being received, on all connections: 256 MiB.
        public var receivedBytes = 256 << 20
        /// How long a call may take that sets no time itself: 30 seconds.
        public var deadline = Duration.seconds(30)
        /// How long calls in flight may take when the server stops: 10 seconds.
        public var drain = Duration.seconds(10)
        /// How long a connection may be silent before it is asked whether it is there: 30 seconds.
        public var keepalive = Duration.seconds(30)

        /// The defaults.
        public init() {}
    }

    private let context: ServerContext
    private let configuration: Configuration
    private let whenListening: @Sendable (_ port: Int) -> Void

    /// A server that serves nothing before ``run()``.
    ///
    /// - Parameters:
    ///   - store: what is served.
    ///   - configuration: where, and within which limits.
    ///   - authorizer: judges every call.
    ///   - whenListening: told the port once calls are taken.
    public init(
        serving store: any EventStore, _ configuration: Configuration = Configuration(),
        authorizer: @escaping Authorizer = { _, _, _ in .allowed(principal: "anyone") },
        whenListening: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.whenListening = whenListening
        let (access, health, limits) = (CallAccess(authorizer: authorizer), HealthService(), store.limits)
        let umaDB = UmaDBService(store: store) { try await access.authorize($0, $1) }
        // The largest append of the store, and what it is wrapped in.
        let messageBytes = limits.batchBytes + limits.batchEvents * 64 + (1 << 20)
        context = ServerContext(
            limits: configuration.limits, messageBytes: messageBytes,
            methods: health.methods.merging(umaDB.methods) { $1 }
                .merging(RemoteService(store: store, access: access).methods) { $1 },
            whenDraining: { health.stop() })
    }

    /// Listens and serves until the task is cancelled or a graceful shutdown begins.
    ///
    /// - Throws: ``ListeningFailure``, or what else the system says when the address cannot be listened on.
    public func run() async throws {
        let address = ListeningAddress(host: configuration.host, port: configuration.port)
        let listener = try await ListeningFailure.naming(address) { try await context.listen() }
        whenListening(listener.localAddress?.port ?? configuration.port)
        try? await gracefulShutdown()
        try? await listener.close()
        // Also when the task is cancelled: what is in flight finishes, within a bounded time.
        await Task { [context] in await context.drain() }.value
    }
}

extension GRPCServer.Configuration {
    /// The same values, for the transport.
    fileprivate var limits: ServerLimits {
        var limits = ServerLimits()
        limits.host = host
        limits.port = port
        limits.tls = tls
        limits.connections = connections
        limits.streamsPerConnection = streamsPerConnection
        limits.calls = calls
        limits.subscriptionsPerPrincipal = subscriptionsPerPrincipal
        limits.receivedBytes = receivedBytes
        limits.deadline = deadline
        limits.drain = drain
        limits.keepalive = keepalive
        return limits
    }
}
