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
        /// What callers are held to.
        public var limits = ServerLimits()
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
        authorizer: @escaping Authorizer = Gatekeeper.open.authorizer,
        whenListening: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.whenListening = whenListening
        let (access, health, limits) = (CallAccess(authorizer: authorizer), HealthService(), store.limits)
        let umaDB = UmaDBService(store: store) { try await access.authorize($0, $1) }
        // The largest append of the store, and what it is wrapped in.
        let messageBytes = limits.batchBytes + limits.batchEvents * 64 + (1 << 20)
        context = ServerContext(
            limits: configuration.settings, messageBytes: messageBytes,
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
    fileprivate var settings: ServerSettings {
        var settings = ServerSettings()
        (settings.host, settings.port, settings.tls) = (host, port, tls)
        settings.connections = limits.connections
        settings.callsPerConnection = limits.callsPerConnection
        settings.calls = limits.calls
        settings.subscriptions = limits.subscriptions
        settings.receivedBytes = limits.receivedBytes
        settings.firstRequestTimeout = limits.firstRequestTimeout
        settings.stallTimeout = limits.stallTimeout
        (settings.deadline, settings.drain, settings.keepalive) = (deadline, drain, keepalive)
        return settings
    }
}
