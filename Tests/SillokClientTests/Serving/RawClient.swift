import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Sillok
import SillokGRPC
import SillokWire

/// A client that sends any frames of a test, valid or not, and reads only when the test asks for it.
struct RawClient: Sendable {
    let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

    init(port: Int) async throws {
        (channel, multiplexer) = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let http2 = NIOHTTP2Handler(mode: .client, eventLoop: channel.eventLoop) { $0.close() }
                    try channel.pipeline.syncOperations.addHandler(http2)
                    return (channel, try http2.syncMultiplexer())
                }
            }
    }

    func close() async { try? await channel.close() }

    /// Begins a call and sends a framed message.
    func call(
        _ path: String, _ message: ByteBuffer = ByteBuffer(bytes: [0, 0, 0, 0, 0]), headers: HPACKHeaders = [:],
        isRead: Bool = true
    ) async throws -> RawCall {
        var all: HPACKHeaders = [
            ":method": "POST", ":scheme": "http", ":authority": "test", ":path": path, "te": "trailers",
        ]
        if headers.value("content-type") == nil { all.add(name: "content-type", value: "application/grpc") }
        all.add(contentsOf: headers)
        let call = RawCall()
        let stream = try await multiplexer.createStreamChannel { [all] stream in
            stream.setOption(.autoRead, value: isRead).flatMapThrowing {
                try stream.pipeline.syncOperations.addHandler(RawHandler(call, all, message))
            }
        }.get()
        call.channel.withLock { $0 = stream }
        return call
    }
}

/// What has come of a call.
final class RawCall: Sendable {
    struct State {
        var headers: HPACKHeaders?
        var messages: [ByteBuffer] = []
        var end: HPACKHeaders?
        var isClosed = false
        var assembly = MessageAssembly(limit: 1 << 24)
    }

    let state = Lock(State())
    let channel = Lock<(any Channel)?>(nil)

    /// Waits until something has come; half a minute at most.
    func wait(until isThere: @Sendable (State) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while !state.withLock({ isThere($0) }) {
            if ContinuousClock.now > deadline { throw StoreError(.unavailable, "nothing came") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// The status that the call ended with.
    func status() async throws -> GRPCStatus? {
        try await wait { $0.end != nil || $0.isClosed }
        return state.withLock { $0.end?.grpcStatus }
    }

    /// Ends the call from this side.
    func cancel() { channel.withLock { $0 }?.close(promise: nil) }
}

private final class RawHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload

    typealias OutboundOut = HTTP2Frame.FramePayload

    private let call: RawCall
    private let headers: HPACKHeaders
    private let message: ByteBuffer

    init(_ call: RawCall, _ headers: HPACKHeaders, _ message: ByteBuffer) {
        self.call = call
        self.headers = headers
        self.message = message
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
        context.writeAndFlush(
            wrapOutboundOut(.data(.init(data: .byteBuffer(message), endStream: true))), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let payload = unwrapInboundIn(data)
        call.state.withLock { state in
            switch payload {
            case .headers(let frame):
                if state.headers == nil { state.headers = frame.headers }
                if frame.endStream { state.end = frame.headers }
            case .data(let frame):
                if case .byteBuffer(let piece) = frame.data { state.assembly.append(piece) }
                while let message = try? state.assembly.next() { state.messages.append(message) }
            default: break
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) { call.state.withLock { $0.isClosed = true } }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
