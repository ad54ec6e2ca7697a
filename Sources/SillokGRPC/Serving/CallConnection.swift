import NIOCore
import NIOHTTP2
import NIOSSL

/// The calls of one connection: passes the frames of an HTTP/2 stream to its call, returns flow-control credit to the
/// caller, and ends calls that take too long. Frames of the whole connection are passed to the handler that keeps it.
///
/// A stream has no separate channel: creating one for each call costs more than all other work of a small call.
final class CallConnection: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// Bytes that a caller may send ahead, on one stream and on all.
    static let (streamWindow, connectionWindow) = (1 << 20, 4 << 20)

    let server: ServerContext
    let channel: any Channel
    private let loop: CallLoop
    private var calls: [HTTP2StreamID: CallHandler] = [:]
    /// Whether a frame of this turn concerned the connection as a whole.
    private var hasForwarded = false
    private var context: ChannelHandlerContext?
    private var isFlushDue = false
    /// When calls are looked through for those whose time is over.
    private var check: (due: NIODeadline, task: Scheduled<Void>)?
    /// Closes the connection if no call has begun until then.
    private var firstRequest: Scheduled<Void>?

    /// The address of the caller.
    private(set) lazy var address = channel.remoteAddress?.ipAddress

    /// The certificate that the caller proved to own, in DER.
    private(set) lazy var certificate: [UInt8]? = {
        guard server.limits.tls != nil else { return nil }
        let tls = try? channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        return try? tls?.peerCertificate?.toDERBytes()
    }()

    init(_ server: ServerContext, _ channel: any Channel) {
        self.server = server
        self.channel = channel
        loop = server.loops.loop(of: channel.eventLoop)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let channel = channel
        firstRequest = channel.eventLoop.scheduleTask(in: TimeAmount(server.limits.firstRequestTimeout)) {
            channel.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        endAll()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        endAll()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers):
            if let call = calls[frame.streamID] {
                // Trailers, which say nothing that a call needs.
                if headers.endStream { call.complete() }
            } else {
                firstRequest?.cancel()
                firstRequest = nil
                let call = CallHandler(self, frame.streamID)
                calls[frame.streamID] = call
                call.begin(headers.headers, isComplete: headers.endStream)
            }
        case .data(let piece):
            guard let call = calls[frame.streamID] else { break }
            if case .byteBuffer(let bytes) = piece.data { call.receive(bytes, isComplete: piece.endStream) }
            if piece.endStream { call.complete() }
        case .rstStream: calls[frame.streamID]?.finish()
        case .windowUpdate: calls[frame.streamID]?.readerProgressed()
        case .priority: break
        default:
            hasForwarded = true
            context.fireChannelRead(data)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard hasForwarded else { return }
        hasForwarded = false
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? NIOHTTP2WindowUpdatedEvent { return grant(event) }
        if let event = event as? StreamClosedEvent { calls.removeValue(forKey: event.streamID)?.closeStream() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { for call in calls.values { call.goOn() } }
        context.fireChannelWritabilityChanged()
    }

    /// Whether there is room in the connection's buffers.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Writes a frame of a call, which goes out with the next flush.
    func write(_ payload: HTTP2Frame.FramePayload, of stream: HTTP2StreamID, promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(wrapOutboundOut(HTTP2Frame(streamID: stream, payload: payload)), promise: promise)
    }

    /// Flushes what was written, at the end of this turn of the event loop.
    func flush() {
        if isFlushDue { return }
        isFlushDue = true
        loop.flush(self)
    }

    func flushNow() {
        isFlushDue = false
        context?.flush()
    }

    /// Starts the task of a call.
    func start(
        _ body: @escaping @Sendable @concurrent () async -> Void, keeping keep: (Task<Void, Never>) -> Void
    ) {
        loop.start(body, keeping: keep)
    }

    /// Sees to it that a call ends at a time.
    func end(by due: NIODeadline) {
        if let check, check.due <= due { return }
        check?.task.cancel()
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        check = (due, channel.eventLoop.scheduleTask(deadline: due) { bound.value.endOverdue() })
    }

    private func endOverdue() {
        check = nil
        let now = NIODeadline.now()
        for call in calls.values where call.due.map({ $0 <= now }) ?? false {
            call.end(GRPCStatus(.deadlineExceeded, "the deadline of the call has passed"))
        }
        if let next = calls.values.compactMap({ $0.isEnded ? nil : $0.due }).min() { end(by: next) }
    }

    /// Returns flow-control credit to the caller when it has used half of its window.
    private func grant(_ event: NIOHTTP2WindowUpdatedEvent) {
        guard let left = event.inboundWindowSize else { return }
        let window = event.streamID == .rootStream ? Self.connectionWindow : Self.streamWindow
        guard left <= window / 2, event.streamID == .rootStream || calls[event.streamID]?.isReceiving == true else {
            return
        }
        write(.windowUpdate(windowSizeIncrement: window - left), of: event.streamID)
        flush()
    }

    private func endAll() {
        check?.task.cancel()
        firstRequest?.cancel()
        (check, firstRequest) = (nil, nil)
        let ended = calls.values
        calls = [:]
        for call in ended { call.closeStream() }
    }
}
