import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import SillokCore
import SillokGRPC
import SillokWire

/// A server that answers the appends of a client with what a test says, one after the other, and the last one for ever.
final class CannedServer: Sendable {
    /// What becomes of an append.
    enum Answer: Sendable {
        /// The connection breaks after the request has arrived.
        case lost
        /// A status without a message, with more trailers.
        case status(GRPCStatus)
        /// Any bytes, in the frame of a message.
        case message([UInt8])
    }

    private let channel: any Channel
    private let answers: Lock<[Answer]>
    /// The number of appends that arrived.
    let appends = Lock(0)

    init(_ answers: Answer...) async throws {
        let (answers, appends) = (Lock(answers), appends)
        self.answers = answers
        let description = Remote.Answer<Remote.DescribeResponse>((StoreID(), Limits())).framed()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let http2 = NIOHTTP2Handler(mode: .server, eventLoop: channel.eventLoop) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(
                                CannedHandler(description) {
                                    appends.withLock { $0 += 1 }
                                    return answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
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

    private let description: ByteBuffer
    private let next: () -> CannedServer.Answer
    private var path = ""

    init(_ description: ByteBuffer, _ next: @escaping () -> CannedServer.Answer) {
        self.description = description
        self.next = next
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame): path = frame.headers.value(":path") ?? path
        case .data(let frame): if frame.endStream { answer(context) }
        default: break
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard path.hasSuffix("/Append") else { return send(description, .ok, context) }
        switch next() {
        case .lost: context.channel.parent?.close(promise: nil)
        case .status(let status): send(nil, status, context)
        case .message(let bytes):
            var message = ByteBuffer(bytes: [0])
            message.writeInteger(UInt32(bytes.count))
            message.writeBytes(bytes)
            send(message, .ok, context)
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
