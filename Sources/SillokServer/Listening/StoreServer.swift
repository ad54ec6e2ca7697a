import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTPTypes
public import ServiceLifecycle
import SillokCore
import SillokGRPC

/// A server for a store over HTTP: the API, the documentation and the dashboard. It runs until the service group shuts
/// down.
///
/// During the shutdown it accepts no new connections, lets requests in progress finish, and ends subscriptions with an
/// event that explains it.
public struct StoreServer: Service {
    /// The address, the certificate and the limits of a server.
    public struct Configuration: Sendable {
        /// The address at which it listens.
        public var address: ListeningAddress
        /// Its certificate; with `nil` connections are not encrypted.
        public var tls: TLSFiles?
        /// The time after which an idle connection is closed: one minute.
        public var idleTimeout: Duration = .seconds(60)

        /// Creates a configuration, by default for port 8080 of the loopback interface without TLS.
        public init(address: ListeningAddress = ListeningAddress(host: "127.0.0.1", port: 8080), tls: TLSFiles? = nil) {
            self.address = address
            self.tls = tls
        }
    }

    private let interface: WebInterface
    private let configuration: Configuration
    private let logger: Logger
    private let onStart: @Sendable (ListeningAddress) async -> Void

    /// Creates a server for an interface.
    ///
    /// - Parameters:
    ///   - interface: the interface that answers requests.
    ///   - configuration: the address, the certificate and the limits.
    ///   - logger: the logger of the server.
    ///   - onStart: called with the address when it listens; the port is the actual one, also if 0 was configured.
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
    /// - Throws: ``ListeningFailure`` if the address is in use, or this process may not use it.
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
            try await firstResult {
                try await ListeningFailure.naming(address) { try await application.run() }
            } or: {
                try await interface.watch()
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

/// The context of a request, with its connection.
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
