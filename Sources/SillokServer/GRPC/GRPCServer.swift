import NIOCore
import NIOPosix
public import NIOSSL
public import ServiceLifecycle
public import SillokCore
import SillokGRPC
import SillokUmaDB

/// A server for a store over gRPC, with UmaDB's protocol for existing clients and `sillok.v1` for `RemoteEventStore`.
///
/// The service runs until it is shut down. Then it accepts no new connections, lets calls in flight finish, and ends
/// subscriptions with a status that explains it. It contains no domain logic and stores nothing itself.
public struct GRPCServer: Service {
    /// The address and the limits of a server.
    public struct Configuration: Sendable {
        /// The address to listen on.
        public var host = "127.0.0.1"
        /// The port to listen on; 0 lets the system choose.
        public var port = 50051
        /// Returns the TLS context of each new connection, so that it can be reloaded; `nil` for plain text. It is
        /// called on a thread that may block.
        public var tls: (@Sendable () throws -> NIOSSLContext)?
        /// The limits that the server enforces.
        public var limits = ServerLimits()
        /// The maximum duration of a call without a deadline of its own: 30 seconds.
        public var deadline = Duration.seconds(30)
        /// How long calls in flight may take during a shutdown: 10 seconds.
        public var drain = Duration.seconds(10)
        /// How long a connection may be silent before the server pings it: 30 seconds.
        public var keepalive = Duration.seconds(30)

        /// Creates the default configuration.
        public init() {}
    }

    private let context: ServerContext
    private let configuration: Configuration
    private let whenListening: @Sendable (_ port: Int) -> Void

    /// Creates a server. It serves nothing before ``run()``.
    ///
    /// - Parameters:
    ///   - store: the store to serve.
    ///   - configuration: the address and the limits.
    ///   - authorizer: authorizes every call.
    ///   - whenListening: called with the port when the server accepts calls.
    public init(
        serving store: any EventStore, _ configuration: Configuration = Configuration(),
        authorizer: @escaping Authorizer = Gatekeeper.open.authorizer,
        whenListening: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.whenListening = whenListening
        let (access, health, limits) = (CallAccess(authorizer: authorizer), HealthService(), store.limits)
        let umaDB = UmaDBService(store: store) { try await access.authorize($0, $1) }
        // The size of the largest append of the store, with the overhead of its message.
        let messageBytes = limits.batchBytes + limits.batchEvents * 64 + (1 << 20)
        context = ServerContext(
            limits: configuration.settings, messageBytes: messageBytes,
            methods: health.methods.merging(umaDB.methods) { $1 }
                .merging(RemoteService(store: store, access: access).methods) { $1 },
            whenDraining: { health.stop() })
    }

    /// Listens and serves until the task is cancelled or a graceful shutdown begins.
    ///
    /// - Throws: ``ListeningFailure``, or another error of the system if it cannot listen at the address.
    public func run() async throws {
        let address = ListeningAddress(host: configuration.host, port: configuration.port)
        let listener = try await ListeningFailure.naming(address) { try await context.listen() }
        whenListening(listener.localAddress?.port ?? configuration.port)
        try? await gracefulShutdown()
        try? await listener.close()
        // Runs also when the task is cancelled: calls in flight finish within a bounded time.
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
