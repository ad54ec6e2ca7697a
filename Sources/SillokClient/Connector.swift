import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import SillokCore
import SillokGRPC
import SillokWire

/// A connection to a server, made when it is needed and again when it breaks.
final class Connector: Sendable {
    private struct State {
        var connecting: (number: Int, task: Task<ClientConnection, any Error>)?
        var count = 0
        var expected: StoreID?
        var isClosed = false
        /// The calls that the server takes at once on this connection.
        var room = Connector.mostRoom
        /// The calls that have a place.
        var taken = 0
    }

    /// No connection carries more calls that wait.
    private static let mostRoom = 100

    let address: ServerAddress
    private let options: RemoteEventStore.Options
    private let state = Lock(State())

    init(address: ServerAddress, options: RemoteEventStore.Options, expected: StoreID? = nil) {
        self.address = address
        self.options = options
        if let expected { expect(expected) }
    }

    /// Returns the path of a method of the service.
    static func path(_ method: String) -> String { "/\(Remote.service)/\(method)" }

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

    /// Takes a place for a call that waits; `false` if there is none.
    ///
    /// How many there are is known when the connection has been made.
    func takePlace() -> Bool {
        state.withLock { state in
            guard state.taken < state.room else { return false }
            state.taken += 1
            return true
        }
    }

    /// Gives a place back.
    func freePlace() { state.withLock { $0.taken -= 1 } }

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
                    Self.path(Remote.DescribeRequest.method), Remote.DescribeRequest().framed(), options.attempt,
                    isCancellable: false
                )
                let found: StoreID
                do {
                    found = try Remote.Answer<Remote.DescribeResponse>(reading: answer).value().store
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
        let setStreams = { @Sendable streams in
            self.state.withLock { $0.room = max(1, min(streams, Self.mostRoom)) }
        }
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
                    try pipeline.addHandlers([http2, ServerFrames(whenLeaving: forget, whenSet: setStreams)])
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

/// Notices how many calls a server takes at once on a connection, and that it wants no new ones.
private final class ServerFrames: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame

    private let whenLeaving: @Sendable () -> Void
    private let whenSet: @Sendable (_ streams: Int) -> Void

    init(whenLeaving: @escaping @Sendable () -> Void, whenSet: @escaping @Sendable (_ streams: Int) -> Void) {
        self.whenLeaving = whenLeaving
        self.whenSet = whenSet
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data).payload {
        case .goAway: whenLeaving()
        case .settings(.settings(let settings)):
            if let streams = settings.last(where: { $0.parameter == .maxConcurrentStreams }) { whenSet(streams.value) }
        default: break
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
