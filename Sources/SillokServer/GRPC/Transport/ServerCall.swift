import NIOCore
import SillokWire

/// A method that callers can name.
struct ServerMethod: Sendable {
    enum Body: Sendable {
        /// One request, one framed answer.
        case unary(@Sendable (ServerCall, ByteBuffer) async throws -> ByteBuffer)
        /// One request, and answers until the body returns, with the last one if there is one more.
        case streaming(@Sendable (ServerCall, ByteBuffer) async throws -> ByteBuffer?)
    }

    let body: Body

    /// What an error of the body means in the protocol of the method.
    let status: @Sendable (any Error) -> GRPCStatus
}

/// One call, as the method that answers it sees it. Safe to use from any thread.
final class ServerCall: Sendable {
    let context: ServerContext
    let credentials: Credentials
    private let eventLoop: any EventLoop
    private let handler: NIOLoopBound<CallHandler>

    init(context: ServerContext, credentials: Credentials, eventLoop: any EventLoop, handler: CallHandler) {
        self.context = context
        self.credentials = credentials
        self.eventLoop = eventLoop
        self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
    }

    /// Throws unless the caller may do what it asks for; its name otherwise.
    @discardableResult
    func authorize(_ scope: Scope, _ resource: Resource) async throws -> String {
        try await context.authorize(self, scope, resource)
    }

    /// Tells the caller that the call is answered, before there is an answer.
    func sendHeaders() { onLoop { $0.sendHeaders() } }

    /// Sends a framed message and waits until there is room for another.
    ///
    /// - Throws: `CancellationError` when the caller has gone.
    func send(_ message: ByteBuffer) async throws {
        try await withCheckedThrowingContinuation { continuation in
            onLoop { handler in
                handler.send(message)
                handler.waitForRoom(continuation)
            }
        }
        try Task.checkCancellation()
    }

    /// Ends the call.
    func end(_ status: GRPCStatus) { onLoop { $0.end(status) } }

    /// Sends the last message and ends the call.
    func answer(_ message: ByteBuffer) { onLoop { $0.answer(message) } }

    private func onLoop(_ body: @escaping @Sendable (CallHandler) -> Void) {
        if eventLoop.inEventLoop {
            body(handler.value)
        } else {
            eventLoop.execute { body(self.handler.value) }
        }
    }
}
