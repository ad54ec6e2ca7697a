import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import SillokCore
import SillokGRPC
import SillokWire

/// The only connection to a server. It is opened on first use, and reopened after it breaks.
final class Connector: Sendable {
    private struct State {
        var connecting: (number: Int, task: Task<ClientConnection, any Error>)?
        var count = 0
        var expected: StoreID?
        var isClosed = false
    }

    let address: ServerAddress
    private let options: RemoteEventStore.Options
    private let state = Lock(State())

    init(address: ServerAddress, options: RemoteEventStore.Options) {
        self.address = address
        self.options = options
    }

    /// Returns the path of a method of the service.
    static func path(_ method: String) -> String { "/sillok.v1.EventStore/\(method)" }

    /// Accepts only this store from now on.
    func expect(_ store: StoreID) { state.withLock { $0.expected = store } }

    /// Returns the connection. Callers that ask while it is being opened wait for the same one.
    ///
    /// - Throws: ``CallFailure``.
    func connection() async throws -> ClientConnection {
        let task = try state.withLock { state in
            if state.isClosed { throw CallFailure(.closed, mayHaveHappened: false) }
            if let connecting = state.connecting { return connecting.task }
            state.count += 1
            let (number, expected) = (state.count, state.expected)
            let task = Task { try await self.connect(number, expected) }
            state.connecting = (number, task)
            return task
        }
        return try await task.value
    }

    func close() async {
        let task = state.withLock { state in
            state.isClosed = true
            defer { state.connecting = nil }
            return state.connecting?.task
        }
        try? await task?.value.close()
    }

    private func connect(_ number: Int, _ expected: StoreID?) async throws -> ClientConnection {
        do {
            let connection = try await open(number)
            if let expected {
                let answer = try await connection.call(
                    Self.path("Describe"), Remote.message(), options.attempt, isCancellable: false)
                let found: StoreID
                do {
                    found = try Remote.Description(reading: answer).value().store
                } catch {
                    throw CallFailure(.malformed(error), mayHaveHappened: false)
                }
                guard found == expected else {
                    await connection.close()
                    throw CallFailure(.otherStore(expected: expected, found: found), mayHaveHappened: false)
                }
            }
            return connection
        } catch {
            forget(number)
            // No call was made on this connection yet.
            if let failure = error as? TransportFailure {
                throw CallFailure(CallFailure(failure).reason, mayHaveHappened: false)
            }
            if let failure = error as? CallFailure { throw CallFailure(failure.reason, mayHaveHappened: false) }
            throw CallFailure(.unreachable(error), mayHaveHappened: false)
        }
    }

    private func open(_ number: Int) async throws -> ClientConnection {
        let tls = try address.isEncrypted ? options.tls ?? Self.trustingSystem() : nil
        let (host, forget) = (address.host, { @Sendable in self.forget(number) })
        let (channel, multiplexer) = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        let name = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." } ? nil : host
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    let http2 = NIOHTTP2Handler(
                        mode: .client, eventLoop: channel.eventLoop, connectionConfiguration: Self.connection,
                        streamConfiguration: Self.stream
                    ) { $0.close() }
                    try pipeline.addHandlers([http2, FarewellHandler(whenLeaving: forget)])
                    return (channel, try http2.syncMultiplexer())
                }
            }
        channel.closeFuture.whenComplete { _ in forget() }
        return ClientConnection(
            channel: channel, multiplexer: multiplexer, authority: "\(address.host):\(address.port)",
            isEncrypted: address.isEncrypted, token: options.token)
    }

    /// Removes the connection, so that the next call opens a new one.
    private func forget(_ number: Int) {
        state.withLock { state in if state.connecting?.number == number { state.connecting = nil } }
    }

    private static func trustingSystem() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["h2"]
        return try NIOSSLContext(configuration: configuration)
    }

    private static var connection: NIOHTTP2Handler.ConnectionConfiguration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 32 << 10),
            HTTP2Setting(parameter: .initialWindowSize, value: 4 << 20),
        ]
        connection.targetWindowSize = 8 << 20
        return connection
    }

    private static var stream: NIOHTTP2Handler.StreamConfiguration {
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = 4 << 20
        return stream
    }
}

/// A handler that notices when a server accepts no new calls on a connection.
private final class FarewellHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame

    private let whenLeaving: @Sendable () -> Void

    init(whenLeaving: @escaping @Sendable () -> Void) { self.whenLeaving = whenLeaving }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .goAway = unwrapInboundIn(data).payload { whenLeaving() }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
