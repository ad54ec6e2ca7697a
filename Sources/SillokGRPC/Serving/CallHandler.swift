import NIOCore
import NIOHPACK
import NIOHTTP2
import SillokCore

/// One call, an HTTP/2 stream: takes a request, has its method run, writes the answer.
final class CallHandler {
    /// When the call has to have ended.
    private(set) var due: NIODeadline?
    private(set) var isEnded = false

    private let connection: CallConnection
    private let stream: HTTP2StreamID
    private var server: ServerContext { connection.server }
    private var assembly: MessageAssembly
    private var method: ServerMethod?
    private var call: ServerCall?
    private var task: Task<Void, Never>?
    private var room: CheckedContinuation<Void, any Error>?
    /// Looks whether the reader takes anything, while a sender waits for room.
    private var stallCheck: Scheduled<Void>?
    /// Whether the reader has taken something since the last look.
    private var hasProgress = false
    /// Whether the stream is closed: all that was written has been taken, or is thrown away.
    private var isStreamClosed = false
    private var place: CallPlace?
    /// Who the bytes of the request are counted for.
    private var sender = ""
    private var heldBytes = 0
    /// Bytes of messages that are written and not sent yet.
    private var unsentBytes = 0
    private var isRequestComplete = false
    private var areHeadersSent = false
    /// Whether the task of the method has not returned. It may do so long after the call has ended: an append cannot
    /// leave the store during its commit.
    private var isRunning = false

    /// From how many unsent bytes on a sender waits, and down to how many.
    private static let (highWater, lowWater) = (64 << 10, 32 << 10)

    init(_ connection: CallConnection, _ stream: HTTP2StreamID) {
        self.connection = connection
        self.stream = stream
        assembly = MessageAssembly(limit: connection.server.messageBytes)
    }
}

// MARK: The request

extension CallHandler {
    /// Whether more of the request is waited for.
    var isReceiving: Bool { !isEnded && !isRequestComplete }

    /// What the first headers of a stream say.
    private struct Head {
        var method: String?
        var path = ""
        var contentType: String?
        var encoding: String?
        var timeout: String?
        var authorization: String?

        init(_ headers: HPACKHeaders) {
            for (name, value, _) in headers {
                switch name {
                case ":method": method = method ?? value
                case ":path": path = value
                case HeaderName.contentType: contentType = contentType ?? value
                case HeaderName.encoding: encoding = encoding ?? value
                case HeaderName.timeout: timeout = timeout ?? value
                case HeaderName.authorization: authorization = authorization ?? value
                default: break
                }
            }
        }
    }

    func begin(_ headers: HPACKHeaders, isComplete: Bool) {
        isRequestComplete = isComplete
        let head = Head(headers)
        guard head.method == "POST" else { return end(GRPCStatus(.unimplemented, "gRPC calls are POST requests")) }
        guard let type = head.contentType, type.hasPrefix("application/grpc") else {
            // What is no gRPC gets an answer of HTTP, as the protocol asks.
            return close([":status": "415"])
        }
        guard let method = server.methods[head.path] else {
            return end(GRPCStatus(.unimplemented, "there is no method \(head.path)"))
        }
        if let encoding = head.encoding, encoding != "identity" {
            return end(GRPCStatus(.unimplemented, "the encoding \(encoding) is not supported: send identity"))
        }
        guard let place = server.place(on: connection.channel) else {
            return end(method.status(server.overload(server.connections.owner(of: connection.channel))))
        }
        (self.place, sender) = (place, place.sender)
        self.method = method
        startDeadline(head.timeout, method)
        call = ServerCall(
            context: server,
            caller: CallerIdentity(
                authorization: head.authorization, certificate: connection.certificate, address: connection.address),
            place: place, eventLoop: connection.channel.eventLoop, handler: self)
        if isComplete { complete() }
    }

    private func startDeadline(_ timeout: String?, _ method: ServerMethod) {
        var time = timeout.flatMap { TimeAmount(grpcTimeout: $0) }
        if time == nil, case .unary = method.body { time = TimeAmount(server.limits.deadline) }
        guard let time else { return }
        let due = NIODeadline.now() + time
        self.due = due
        connection.end(by: due)
    }

    func receive(_ piece: ByteBuffer, isComplete: Bool) {
        isRequestComplete = isComplete
        if isEnded || task != nil { return }
        guard server.receive(piece.readableBytes, of: sender) else {
            let error = StoreError(
                .overloaded,
                "\(sender) sends too much at once (the limit receivedBytes). Nothing was done: retry in a second.",
                retryAfter: .seconds(1))
            return end(method?.status(error) ?? GRPCStatus(.resourceExhausted, "\(error)"))
        }
        heldBytes += piece.readableBytes
        assembly.append(piece)
        if !isRequestComplete && heldBytes > server.messageBytes + MessageAssembly.frameBytes { tooLarge(heldBytes) }
    }

    private func tooLarge(_ bytes: Int) {
        end(
            GRPCStatus(.resourceExhausted, "the message has \(bytes) bytes; at most \(server.messageBytes) are allowed")
        )
    }

    /// Runs the method: the request is complete.
    func complete() {
        isRequestComplete = true
        guard !isEnded, task == nil, let method, let call else { return }
        do {
            guard let message = try assembly.next(), assembly.isEmpty else {
                return end(GRPCStatus(.invalidArgument, "a call must have exactly one complete message"))
            }
            run(method, call, message)
        } catch {
            switch error {
            case .compressed: end(GRPCStatus(.unimplemented, "compressed messages are not supported: send identity"))
            case .tooLarge(let bytes, _): tooLarge(bytes)
            }
        }
    }

    private func run(_ method: ServerMethod, _ call: ServerCall, _ message: ByteBuffer) {
        isRunning = true
        let message = ReceivedMessage(message)
        connection.start {
            do {
                switch method.body {
                case .unary(let body): call.answer(try await body(call, message))
                case .streaming(let body):
                    if let last = try await body(call, message) { call.answer(last) } else { call.end(.ok) }
                }
            } catch {
                call.end(method.status(error))
            }
            call.leave()
        } keeping: {
            task = $0
        }
    }
}

// MARK: The answer

extension CallHandler {
    func sendHeaders() {
        guard !isEnded, !areHeadersSent else { return }
        writeHeaders()
        connection.flush()
    }

    func send(_ message: ByteBuffer) {
        guard !isEnded else { return }
        let promise = connection.channel.eventLoop.makePromise(of: Void.self)
        let bytes = message.readableBytes
        unsentBytes += bytes
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.unsentBytes -= bytes
            self.hasProgress = true
            self.goOn()
        }
        write(message, promise)
        connection.flush()
    }

    func answer(_ message: ByteBuffer) {
        guard !isEnded else { return }
        unsentBytes += message.readableBytes
        write(message, nil)
        end(.ok)
    }

    func waitForRoom(_ continuation: CheckedContinuation<Void, any Error>) {
        if isEnded { return continuation.resume(throwing: CancellationError()) }
        if connection.isWritable && unsentBytes < Self.highWater { return continuation.resume() }
        room = continuation
        watchReader()
    }

    /// The reader has taken something.
    func readerProgressed() { hasProgress = true }

    /// The stream is closed.
    func closeStream() {
        isStreamClosed = true
        stopWatching()
        finish()
    }

    private func stopWatching() {
        stallCheck?.cancel()
        stallCheck = nil
    }

    private func watchReader() {
        if isStreamClosed { return }
        hasProgress = false
        let bound = NIOLoopBound(self, eventLoop: connection.channel.eventLoop)
        stallCheck = connection.channel.eventLoop.scheduleTask(in: TimeAmount(server.limits.stallTimeout)) {
            bound.value.checkReader()
        }
    }

    /// Ends the call if its reader has taken nothing for the time that it may. What waits for it is thrown away.
    private func checkReader() {
        if hasProgress { return watchReader() }
        finish()
        connection.write(.rstStream(.enhanceYourCalm), of: stream)
        connection.flush()
    }

    /// Resumes a sender that waits for room, if there is room now.
    func goOn() {
        if room != nil && connection.isWritable && unsentBytes <= Self.lowWater { takeRoom()?.resume() }
    }

    /// Writes the status of the call once, and releases its resources.
    func end(_ status: GRPCStatus) {
        if isEnded { return }
        var trailers = areHeadersSent ? HPACKHeaders() : Self.answerHeaders
        trailers.add(status)
        if status.code == .unavailable, status.retryAfter == nil { trailers.add(retryAfter: .seconds(1)) }
        if status.code == .unimplemented { trailers.add(name: HeaderName.acceptEncoding, value: "identity") }
        close(trailers)
    }

    private func write(_ message: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        if !areHeadersSent { writeHeaders() }
        connection.write(.data(.init(data: .byteBuffer(message))), of: stream, promise: promise)
    }

    private func writeHeaders() {
        areHeadersSent = true
        connection.write(.headers(.init(headers: Self.answerHeaders)), of: stream)
    }

    private func close(_ trailers: HPACKHeaders) {
        finish()
        connection.write(.headers(.init(headers: trailers, endStream: true)), of: stream)
        // The caller need not send the rest of its request.
        if !isRequestComplete { connection.write(.rstStream(.noError), of: stream) }
        connection.flush()
        // Less than that is not worth a timer: the streams of a connection hold a few megabytes of it.
        if unsentBytes >= Self.highWater { watchReader() }
    }

    /// Ends the call without an answer: cancels the task and ends the waits. The limits stay taken until the task
    /// returns.
    func finish() {
        if isEnded { return }
        isEnded = true
        task?.cancel()
        takeRoom()?.resume(throwing: CancellationError())
        (call, task, assembly) = (nil, nil, MessageAssembly(limit: 0))
        if !isRunning { release() }
    }

    /// The task of the method has returned.
    func leave() {
        isRunning = false
        if isEnded { release() }
    }

    private func release() {
        if heldBytes > 0 { server.releaseReceived(heldBytes, of: sender) }
        if let place {
            place.end()
            server.connections.end(on: connection.channel)
        }
        (heldBytes, place) = (0, nil)
    }

    private func takeRoom() -> CheckedContinuation<Void, any Error>? {
        defer { room = nil }
        stopWatching()
        return room
    }

    private static let answerHeaders: HPACKHeaders = [":status": "200", HeaderName.contentType: "application/grpc"]
}
