package import NIOCore

/// A method that callers can name.
package struct ServerMethod: Sendable {
    package enum Body: Sendable {
        /// One request, one framed answer.
        case unary(@Sendable (ServerCall, ReceivedMessage) async throws -> ByteBuffer)
        /// One request, and answers until the body returns, with the last one if there is one more.
        case streaming(@Sendable (ServerCall, ReceivedMessage) async throws -> ByteBuffer?)
    }

    package let body: Body

    /// What an error of the body means in the protocol of the method.
    package let status: @Sendable (any Error) -> GRPCStatus

    package init(body: Body, status: @escaping @Sendable (any Error) -> GRPCStatus) {
        self.body = body
        self.status = status
    }
}

/// What a caller shows of itself.
package struct CallerIdentity: Hashable, Sendable {
    /// The value of the `authorization` header.
    package let authorization: String?
    /// The certificate that the caller proved to own, in DER; `nil` without mutual TLS.
    package let certificate: [UInt8]?
    /// The address of the caller.
    package let address: String?
}

/// The message of a call. Its method takes it once, so that the bytes are freed before the store is called: an append
/// that waits is in memory once and not twice.
package final class ReceivedMessage: @unchecked Sendable {
    // Only the task of the call reads and writes it.
    private var message: ByteBuffer

    init(_ message: ByteBuffer) { self.message = message }

    package func take() -> ByteBuffer {
        defer { message = ByteBuffer() }
        return message
    }
}

/// One call, as the method that answers it sees it. Safe to use from any thread.
package final class ServerCall: Sendable {
    package let context: ServerContext
    package let caller: CallerIdentity
    let place: CallPlace
    private let eventLoop: any EventLoop
    private let handler: NIOLoopBound<CallHandler>

    init(
        context: ServerContext, caller: CallerIdentity, place: CallPlace, eventLoop: any EventLoop,
        handler: CallHandler
    ) {
        self.context = context
        self.place = place
        self.caller = caller
        self.eventLoop = eventLoop
        self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
    }

    /// Tells the caller that the call is answered, before there is an answer.
    package func sendHeaders() { onLoop { $0.sendHeaders() } }

    /// Sends a framed message and waits until there is room for another.
    ///
    /// - Throws: `CancellationError` when the caller has gone.
    package func send(_ message: ByteBuffer) async throws {
        try await withCheckedThrowingContinuation { continuation in
            onLoop { handler in
                handler.send(message)
                handler.waitForRoom(continuation)
            }
        }
        try Task.checkCancellation()
    }

    /// Ends the call.
    package func end(_ status: GRPCStatus) { onLoop { $0.end(status) } }

    /// Sends the last message and ends the call.
    package func answer(_ message: ByteBuffer) { onLoop { $0.answer(message) } }

    /// Gives back the limits that the call holds. The task of the call calls it last, when the store has answered.
    func leave() { onLoop { $0.leave() } }

    private func onLoop(_ body: @escaping @Sendable (CallHandler) -> Void) {
        if eventLoop.inEventLoop {
            body(handler.value)
        } else {
            eventLoop.execute { body(self.handler.value) }
        }
    }
}
