#if Postgres && os(Linux)
import Foundation
import NIOCore
import NIOPosix
import Sillok
import SillokTestSupport
import Testing

/// A TCP port in front of the server of the tests. It can swallow all answers while connections stay open, and put a
/// notice in front of the answer to the next COMMIT, or of the end of a round trip without one.
final class WireProxy: Sendable {
    struct State {
        /// Whether the server gets requests, and its answers do not pass.
        var swallowsAnswers = false
        var notice: (severity: String, code: String)?
        var commits = 0
        var channels: [any Channel] = []
    }

    let state = Lock(State())
    let port: Int
    private let listener: any Channel

    /// The folder with the socket of the server.
    static let folder =
        URLComponents(string: TestServer.connection)?.queryItems?.first { $0.name == "host" }?.value ?? ""

    init() async throws {
        let state = state
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop)
                    .connect(unixDomainSocketPath: Self.folder + "/.s.PGSQL.5432")
                    .flatMapThrowing { server in
                        state.withLock { $0.channels += [client, server] }
                        try client.pipeline.syncOperations.addHandler(Requests(to: server))
                        try server.pipeline.syncOperations.addHandler(Answers(to: client, state))
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    /// A connection string for the server through the proxy.
    var address: String {
        "host=127.0.0.1 port=\(port) dbname=postgres user=sillok sslmode=disable gssencmode=disable"
    }

    /// Lets requests pass and no answers.
    func swallowAnswers() { state.withLock { $0.swallowsAnswers = true } }

    /// Ends the connections whose answers were swallowed, and lets those of new ones pass.
    func thaw() {
        let channels = state.withLock { state in
            state.swallowsAnswers = false
            defer { state.channels = [] }
            return state.channels
        }
        for channel in channels { channel.close(promise: nil) }
    }

    func close() async {
        thaw()
        try? await listener.close()
    }
}

private final class Requests: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let server: any Channel

    init(to server: any Channel) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        server.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { server.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Passes whole messages on: a type, a length and a body.
private final class Answers: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let client: any Channel
    private let state: Lock<WireProxy.State>
    private var bytes = ByteBuffer()

    init(to client: any Channel, _ state: Lock<WireProxy.State>) { (self.client, self.state) = (client, state) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if state.withLock({ $0.swallowsAnswers }) { return }
        var read = unwrapInboundIn(data)
        bytes.writeBuffer(&read)
        var passed = ByteBuffer()
        while let length = bytes.getInteger(at: bytes.readerIndex + 1, as: Int32.self),
            var message = bytes.readSlice(length: Int(length) + 1)
        {
            let text = String(buffer: message)
            let isCommit = text.hasPrefix("C") && text.contains("COMMIT")
            // A statement without BEGIN is committed before the server is ready again.
            let isReady = text.hasPrefix("Z")
            let notice = state.withLock { state -> (severity: String, code: String)? in
                guard isCommit || isReady && state.notice != nil else { return nil }
                state.commits += 1
                defer { state.notice = nil }
                return state.notice
            }
            if let notice { passed.writeNotice(notice.severity, notice.code) }
            passed.writeBuffer(&message)
        }
        client.writeAndFlush(passed, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if state.withLock({ $0.swallowsAnswers }) { return }
        client.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension ByteBuffer {
    /// Writes a NoticeResponse.
    fileprivate mutating func writeNotice(_ severity: String, _ code: String) {
        let body = "S\(severity)\0V\(severity)\0C\(code)\0Mplanted by a test\0\0"
        writeString("N")
        writeInteger(Int32(body.utf8.count + 4))
        writeString(body)
    }
}
#endif
