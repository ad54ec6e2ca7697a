import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import SillokCore
import SillokGRPC
import SillokWire

/// A server that answers the calls of a client with what a test says.
final class CannedServer: Sendable {
    /// What becomes of a call.
    enum Answer: Sendable {
        /// The connection breaks after the request has arrived.
        case lost
        /// A status without a message, with more trailers.
        case status(GRPCStatus)
        /// Any bytes, in the frame of a message.
        case message([UInt8])
        /// A message with its frame.
        case framed(ByteBuffer)
    }

    private let channel: any Channel
    /// The number of appends that arrived.
    let appends = Lock(0)

    /// Starts a server that answers appends with these answers, one after the other, and the last one for ever. It
    /// answers all other calls with the description of a store.
    convenience init(_ answers: Answer...) async throws {
        let answers = Lock(answers)
        let description = Answer.framed(Remote.Answer<Remote.DescribeResponse>((StoreID(), Limits())).framed())
        try await self.init { path in
            guard path.hasSuffix("/Append") else { return description }
            return answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        }
    }

    /// Starts a server that answers calls with the result of a function of their path.
    init(answer: @escaping @Sendable (_ path: String) -> Answer) async throws {
        let appends = appends
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let http2 = NIOHTTP2Handler(mode: .server, eventLoop: channel.eventLoop) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(
                                CannedHandler { path in
                                    if path.hasSuffix("/Append") { appends.withLock { $0 += 1 } }
                                    return answer(path)
                                })
                        }
                    }
                    try channel.pipeline.syncOperations.addHandler(http2)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var address: String { "sillok://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    func stop() async { try? await channel.close() }
}

private final class CannedHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let next: (_ path: String) -> CannedServer.Answer
    private var path = ""

    init(_ next: @escaping (_ path: String) -> CannedServer.Answer) { self.next = next }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame): path = frame.headers.value(":path") ?? path
        case .data(let frame): if frame.endStream { answer(context) }
        default: break
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        switch next(path) {
        case .lost: context.channel.parent?.close(promise: nil)
        case .status(let status): send(nil, status, context)
        case .message(let bytes):
            var message = ByteBuffer(bytes: [0])
            message.writeInteger(UInt32(bytes.count))
            message.writeBytes(bytes)
            send(message, .ok, context)
        case .framed(let message): send(message, .ok, context)
        }
    }

    private func send(_ message: ByteBuffer?, _ status: GRPCStatus, _ context: ChannelHandlerContext) {
        let headers: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
        context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
        if let message { context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(message)))), promise: nil) }
        var trailers = HPACKHeaders()
        trailers.add(status)
        context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: trailers, endStream: true))), promise: nil)
    }
}
