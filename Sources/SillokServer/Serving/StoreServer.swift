import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTPTypes
public import ServiceLifecycle
import SillokCore
import SillokGRPC

/// Serves a store over HTTP: the API, the documentation and the dashboard, until the service group shuts down.
///
/// When it shuts down it takes no new connection, lets requests that are under way finish, and ends subscriptions with
/// an event that says so.
public struct StoreServer: Service {
    /// Where and how it listens.
    public struct Configuration: Sendable {
        /// Where it listens.
        public var address: ListeningAddress
        /// Its certificate; `nil`: the connection is not protected.
        public var tls: TLSFiles?
        /// The time after which a connection that asks for nothing more is closed: a minute.
        public var idleTimeout: Duration = .seconds(60)

        /// Listens at an address.
        public init(address: ListeningAddress = ListeningAddress(host: "127.0.0.1", port: 8080), tls: TLSFiles? = nil) {
            self.address = address
            self.tls = tls
        }
    }

    private let interface: WebInterface
    private let configuration: Configuration
    private let logger: Logger
    private let onStart: @Sendable (ListeningAddress) async -> Void

    /// A server of an interface.
    ///
    /// - Parameters:
    ///   - interface: what answers.
    ///   - configuration: where and how it listens.
    ///   - logger: where it is written what happens.
    ///   - onStart: told where it listens as soon as it does; the port is the real one, also where 0 was asked for.
    public init(
        _ interface: WebInterface, configuration: Configuration = Configuration(), logger: Logger,
        onStart: @escaping @Sendable (ListeningAddress) async -> Void = { _ in }
    ) {
        self.interface = interface
        self.configuration = configuration
        self.logger = logger
        self.onStart = onStart
    }

    /// Serves until the service group shuts down.
    ///
    /// - Throws: ``ListeningFailure`` if the address is in use or not this process's to use.
    public func run() async throws {
        let (interface, isSecure, address) = (interface, configuration.tls != nil, configuration.address)
        let registry = ConnectionRegistry(limit: interface.limits.connections)
        let responder = CallbackResponder<ConnectionContext> { request, context in
            await interface.respond(to: request, isSecure: isSecure, on: RequestConnection(context.channel, registry))
        }
        let settings = ApplicationConfiguration(address: .hostname(address.host, port: address.port))
        let application = Application(
            responder: responder, server: try server(registry), configuration: settings,
            onServerRunning: { [onStart] channel in
                await onStart(ListeningAddress(host: address.host, port: channel.localAddress?.port ?? address.port))
            }, logger: logger)
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ListeningFailure.naming(address) { try await application.run() } }
                group.addTask { try await interface.watch() }
                defer { group.cancelAll() }
                try await group.next()
            }
        } onGracefulShutdown: {
            interface.end()
        }
    }

    private func server(_ registry: ConnectionRegistry) throws -> HTTPServerBuilder {
        let (limits, metrics) = (interface.limits, interface.metrics)
        let idle = TimeAmount(configuration.idleTimeout)
        let settings = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionHandler(registry, limits, metrics)], idleTimeout: idle,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 100))
        guard let tls = configuration.tls else { return .http1(configuration: settings) }
        let contexts = try tls.contexts(logger: logger, protocols: ["http/1.1"])
        return HTTPServerBuilder { responder in
            ProtectedChannel(base: HTTP1Channel(responder: responder, configuration: settings), contexts: contexts)
        }
    }
}

/// What a request is told of its connection.
private struct ConnectionContext: InitializableFromSource, Sendable {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) { channel = source.channel }
}

extension RequestConnection {
    /// What a request can do with its channel.
    fileprivate init(_ channel: any Channel, _ registry: ConnectionRegistry) {
        disconnect = { channel.close(promise: nil) }
        address = CallerAddress.owner(channel.remoteAddress)
        prove = { registry.prove($0, on: channel) }
        proceed = { channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil) }
    }
}
