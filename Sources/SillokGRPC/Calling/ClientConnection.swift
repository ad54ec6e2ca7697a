package import NIOCore
import NIOHPACK
package import NIOHTTP2

/// An open connection to a server.
package struct ClientConnection: Sendable {
    /// No message of the server is larger: a page, and an event more.
    private static let messageBytes = 64 << 20

    private let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer
    private let scheme: String
    private let authority: String
    private let headers: HPACKHeaders

    /// A connection that was opened.
    ///
    /// - Parameters:
    ///   - authority: host and port, as the server is named in requests.
    ///   - token: the key that the server knows the caller by.
    package init(
        channel: any Channel, multiplexer: NIOHTTP2Handler.StreamMultiplexer, authority: String, isEncrypted: Bool,
        token: String?
    ) {
        self.channel = channel
        self.multiplexer = multiplexer
        var headers: HPACKHeaders = [
            HeaderName.contentType: "application/grpc", "te": "trailers", "user-agent": "sillok",
        ]
        if let token { headers.add(name: HeaderName.authorization, value: "Bearer \(token)") }
        self.headers = headers
        scheme = isEncrypted ? "https" : "http"
        self.authority = authority
    }

    package func close() async { try? await channel.close() }

    /// Makes one call and waits for its answer.
    ///
    /// - Parameters:
    ///   - method: the path of the method.
    ///   - message: the framed request.
    ///   - time: the limit of the call.
    /// - Throws: ``TransportFailure``, `CancellationError`.
    package func call(
        _ method: String, _ message: ByteBuffer, _ time: Duration, isCancellable: Bool
    ) async throws -> ByteBuffer {
        // The pseudo headers come first, or the request is malformed.
        var headers: HPACKHeaders = [
            ":method": "POST", ":scheme": scheme, ":authority": authority,
            ":path": method,
        ]
        headers.add(contentsOf: self.headers)
        let time = TimeAmount(time)
        headers.add(name: HeaderName.timeout, value: time.grpcTimeout, indexing: .nonIndexable)
        let answer = channel.eventLoop.makePromise(of: ByteBuffer.self)
        let opened = channel.eventLoop.makePromise(of: (any Channel).self)
        multiplexer.createStreamChannel(promise: opened) { [headers] stream in
            stream.eventLoop.makeCompletedFuture {
                let handler = AnswerHandler(
                    headers: headers, message: message, time: time, limit: Self.messageBytes, answer: answer)
                try stream.pipeline.syncOperations.addHandler(handler)
            }
        }
        opened.futureResult.whenFailure { _ in answer.fail(TransportFailure(.lost, mayHaveHappened: false)) }
        guard isCancellable else { return try await answer.futureResult.get() }
        return try await withTaskCancellationHandler {
            do {
                return try await answer.futureResult.get()
            } catch {
                try Task.checkCancellation()
                throw error
            }
        } onCancel: {
            opened.futureResult.whenSuccess { $0.close(promise: nil) }
        }
    }
}

/// One call: sends the request, takes the answer.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let headers: HPACKHeaders
    private let message: ByteBuffer
    private let time: TimeAmount
    private let answer: EventLoopPromise<ByteBuffer>
    private var assembly: MessageAssembly
    private var found: ByteBuffer?
    private var timer: Scheduled<Void>?
    private var isSent = false
    private var isEnded = false

    init(
        headers: HPACKHeaders, message: ByteBuffer, time: TimeAmount, limit: Int,
        answer: EventLoopPromise<ByteBuffer>
    ) {
        self.headers = headers
        self.message = message
        self.time = time
        self.answer = answer
        assembly = MessageAssembly(limit: limit)
    }

    func channelActive(context: ChannelHandlerContext) {
        isSent = true
        context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
        context.writeAndFlush(
            wrapOutboundOut(.data(.init(data: .byteBuffer(message), endStream: true))), promise: nil)
        // The server ends the call in time; this is for the one that does not answer.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: time + .seconds(1)) {
            let (handler, context) = bound.value
            handler.end(.failure(TransportFailure(.lost, mayHaveHappened: true)))
            context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame): if frame.endStream { conclude(frame.headers) }
        case .data(let frame):
            guard case .byteBuffer(let piece) = frame.data else { return }
            assembly.append(piece)
            do {
                if let message = try assembly.next() { found = message }
            } catch {
                end(.failure(TransportFailure(.malformed(error), mayHaveHappened: true)))
                context.close(promise: nil)
            }
        case .rstStream(let code):
            end(.failure(TransportFailure(.lost, mayHaveHappened: code != .refusedStream)))
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(TransportFailure(.lost, mayHaveHappened: isSent)))
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.failure(TransportFailure(.lost, mayHaveHappened: isSent)))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failure(TransportFailure(.lost, mayHaveHappened: isSent)))
        context.close(promise: nil)
    }

    private func conclude(_ trailers: HPACKHeaders) {
        guard let status = trailers.grpcStatus else {
            let text = "HTTP status \(trailers.value(":status") ?? "missing") without a gRPC status"
            return end(.failure(TransportFailure(.status(GRPCStatus(.unknown, text)), mayHaveHappened: true)))
        }
        if status.code == .ok, let found { return end(.success(found)) }
        end(.failure(TransportFailure(.status(status), mayHaveHappened: !status.code.isBeforeTheStore)))
    }

    private func end(_ result: Result<ByteBuffer, TransportFailure>) {
        if isEnded { return }
        isEnded = true
        timer?.cancel()
        answer.completeWith(result.mapError { $0 as any Error })
    }
}

/// Why a call got no answer, and whether the server may have executed it.
package struct TransportFailure: Error {
    package enum Reason: Sendable {
        /// The connection broke before the answer.
        case lost
        /// The server answered with a status.
        case status(GRPCStatus)
        /// The answer cannot be read.
        case malformed(any Error)
    }

    package let reason: Reason
    package let mayHaveHappened: Bool

    init(_ reason: Reason, mayHaveHappened: Bool) {
        self.reason = reason
        self.mayHaveHappened = mayHaveHappened
    }
}

extension GRPCStatus.Code {
    /// Whether a server, or a proxy before it, answers so only when it has not passed the call on to the store.
    fileprivate var isBeforeTheStore: Bool {
        switch self {
        case .unauthenticated, .permissionDenied, .unimplemented: true
        case .ok, .cancelled, .unknown, .invalidArgument, .deadlineExceeded, .notFound, .alreadyExists,
            .resourceExhausted, .failedPrecondition, .aborted, .outOfRange, .internal, .unavailable, .dataLoss:
            false
        }
    }
}
