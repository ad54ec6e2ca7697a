import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOSSL
import SillokWire

/// One HTTP/2 stream: takes a request, has its method run, writes the answer.
final class CallHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let server: ServerContext
    private let executor: CallExecutor
    private let connection: any Channel
    private var assembly: MessageAssembly
    private var context: ChannelHandlerContext?
    private var method: ServerMethod?
    private var call: ServerCall?
    private var task: Task<Void, Never>?
    private var deadline: Scheduled<Void>?
    private var room: CheckedContinuation<Void, any Error>?
    private var heldBytes = 0
    private var isRequestComplete = false
    private var areHeadersSent = false
    private var isEnded = false
    private var isCounted = false

    init(context: ServerContext, executor: CallExecutor, connection: any Channel) {
        server = context
        self.executor = executor
        self.connection = connection
        assembly = MessageAssembly(limit: context.messageBytes)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            isRequestComplete = frame.endStream
            if method == nil && !isEnded { begin(frame.headers) }
            if frame.endStream { complete() }
        case .data(let frame):
            isRequestComplete = frame.endStream
            if case .byteBuffer(let piece) = frame.data { receive(piece) }
            if frame.endStream { complete() }
        case .rstStream: finish()
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { takeRoom()?.resume() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish()
        context.close(promise: nil)
    }
}

// MARK: The request

extension CallHandler {
    private func begin(_ headers: HPACKHeaders) {
        guard headers.value(":method") == "POST", let path = headers.value(":path") else {
            return end(GRPCStatus(.unimplemented, "gRPC calls are POST requests"))
        }
        guard let type = headers.value(HeaderName.contentType), type.hasPrefix("application/grpc") else {
            return refuseForeignContent()
        }
        guard let method = server.methods[path] else {
            return end(GRPCStatus(.unimplemented, "there is no method \(path)"))
        }
        if let encoding = headers.value(HeaderName.encoding), encoding != "identity" {
            return end(GRPCStatus(.unimplemented, "the encoding \(encoding) is not taken: send identity"))
        }
        if let refusal = server.admit(method) { return end(refusal) }
        isCounted = true
        self.method = method
        startDeadline(headers, method)
        call = context.map { context in
            ServerCall(
                context: server, credentials: credentials(headers), channel: context.channel, handler: self)
        }
    }

    private func startDeadline(_ headers: HPACKHeaders, _ method: ServerMethod) {
        var time = headers.value(HeaderName.timeout).flatMap { TimeAmount(grpcTimeout: $0) }
        if time == nil, case .unary = method.body { time = TimeAmount(server.configuration.deadline) }
        guard let time, let loop = context?.eventLoop else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        deadline = loop.scheduleTask(in: time) {
            bound.value.end(GRPCStatus(.deadlineExceeded, "the time of the call is over"))
        }
    }

    private func credentials(_ headers: HPACKHeaders) -> Credentials {
        var certificate: [UInt8]?
        if server.configuration.tls != nil,
            let tls = try? connection.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        {
            certificate = try? tls.peerCertificate?.toDERBytes()
        }
        return Credentials(
            authorization: headers.value(HeaderName.authorization), certificate: certificate,
            address: connection.remoteAddress?.ipAddress)
    }

    private func receive(_ piece: ByteBuffer) {
        if isEnded || task != nil { return }
        guard server.receive(piece.readableBytes) else {
            return end(GRPCStatus(.resourceExhausted, "the server receives too much at once: try again in a second"))
        }
        heldBytes += piece.readableBytes
        assembly.append(piece)
        if !isRequestComplete && heldBytes > server.messageBytes + ProtobufWriter.frameBytes { tooLarge(heldBytes) }
    }

    private func tooLarge(_ bytes: Int) {
        end(GRPCStatus(.resourceExhausted, "the message has \(bytes) bytes; at most \(server.messageBytes) are taken"))
    }

    /// The request has come to its end: runs the method.
    private func complete() {
        guard !isEnded, task == nil, let method, let call else { return }
        do {
            guard let message = try assembly.next(), assembly.isEmpty else {
                return end(GRPCStatus(.invalidArgument, "a call carries exactly one whole message"))
            }
            run(method, call, message)
        } catch {
            switch error {
            case .compressed: end(GRPCStatus(.unimplemented, "compressed messages are not taken: send identity"))
            case .tooLarge(let bytes, _): tooLarge(bytes)
            }
        }
    }

    private func run(_ method: ServerMethod, _ call: ServerCall, _ message: ByteBuffer) {
        switch method.body {
        case .unary(let body):
            task = executor.start {
                do {
                    call.answer(try await body(call, message))
                } catch {
                    call.end(method.status(error))
                }
            }
        case .streaming(let body):
            task = executor.start {
                do {
                    try await body(call, message)
                    call.end(.ok)
                } catch {
                    call.end(method.status(error))
                }
            }
        }
    }
}

// MARK: The answer

extension CallHandler {
    func sendHeaders() {
        guard !isEnded, !areHeadersSent, let context else { return }
        areHeadersSent = true
        context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: Self.answerHeaders))), promise: nil)
    }

    func send(_ message: ByteBuffer) {
        guard !isEnded, let context else { return }
        write(message, context)
        context.flush()
    }

    func answer(_ message: ByteBuffer) {
        guard !isEnded, let context else { return }
        write(message, context)
        end(.ok)
    }

    func waitForRoom(_ continuation: CheckedContinuation<Void, any Error>) {
        guard !isEnded, let context else { return continuation.resume(throwing: CancellationError()) }
        if context.channel.isWritable { return continuation.resume() }
        room = continuation
    }

    /// Writes how the call ended, once, and lets go of everything.
    func end(_ status: GRPCStatus) {
        guard !isEnded, let context else { return }
        var trailers = areHeadersSent ? HPACKHeaders() : Self.answerHeaders
        trailers.add(status)
        if status.code == .unavailable { trailers.add(name: "grpc-retry-pushback-ms", value: "1000") }
        if status.code == .unimplemented { trailers.add(name: HeaderName.acceptEncoding, value: "identity") }
        close(trailers, context)
    }

    private func write(_ message: ByteBuffer, _ context: ChannelHandlerContext) {
        if !areHeadersSent {
            areHeadersSent = true
            context.write(wrapOutboundOut(.headers(.init(headers: Self.answerHeaders))), promise: nil)
        }
        context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(message)))), promise: nil)
    }

    private func close(_ trailers: HPACKHeaders, _ context: ChannelHandlerContext) {
        finish()
        context.write(wrapOutboundOut(.headers(.init(headers: trailers, endStream: true))), promise: nil)
        // The caller need not send the rest of its request.
        if !isRequestComplete { context.write(wrapOutboundOut(.rstStream(.noError)), promise: nil) }
        context.flush()
    }

    /// What is no gRPC gets an answer of HTTP, as the protocol asks.
    private func refuseForeignContent() {
        guard let context else { return }
        close([":status": "415"], context)
    }

    /// Nothing more is written: ends the task, the waits and the counts.
    private func finish() {
        if isEnded { return }
        isEnded = true
        deadline?.cancel()
        task?.cancel()
        takeRoom()?.resume(throwing: CancellationError())
        if heldBytes > 0 { _ = server.receive(-heldBytes) }
        if let method, isCounted { server.end(method) }
        (call, task, assembly) = (nil, nil, MessageAssembly(limit: 0))
    }

    private func takeRoom() -> CheckedContinuation<Void, any Error>? {
        defer { room = nil }
        return room
    }

    private static let answerHeaders: HPACKHeaders = [":status": "200", HeaderName.contentType: "application/grpc"]
}
