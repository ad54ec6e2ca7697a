import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import SillokCore
import SillokTesting
import Testing

@testable import SillokWebhooks

/// An HTTP server on this machine that counts connections and requests.
private final class LoopbackServer: Sendable {
    struct Answer: Sendable {
        var status: HTTPResponseStatus = .ok
        var headers: [(String, String)] = []
        /// How many kilobytes the body has.
        var kilobytes = 0
        var isSilent = false
    }

    private struct State {
        var connections = 0
        var requests: [(head: HTTPRequestHead, body: [UInt8])] = []
    }

    private let state = Lock(State())
    private let channel: any Channel

    init(_ answer: Answer = Answer()) async throws {
        let state = state
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                state.withLock { $0.connections += 1 }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(answer) { head, body in state.withLock { $0.requests.append((head, body)) } })
                }
            }.bind(host: "127.0.0.1", port: 0).get()
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var connections: Int { state.withLock { $0.connections } }
    var requests: [(head: HTTPRequestHead, body: [UInt8])] { state.withLock { $0.requests } }

    func close() async { try? await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answer: Answer
        private let received: @Sendable (HTTPRequestHead, [UInt8]) -> Void
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(_ answer: Answer, _ received: @escaping @Sendable (HTTPRequestHead, [UInt8]) -> Void) {
            self.answer = answer
            self.received = received
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (self.head, body) = (head, [])
            case .body(let bytes): body += Array(bytes.readableBytesView)
            case .end:
                guard let head else { return }
                received(head, body)
                if answer.isSilent { return }
                var headers = HTTPHeaders(answer.headers)
                headers.add(name: "content-length", value: "\(answer.kilobytes * 1024)")
                context.write(
                    wrapOutboundOut(.head(.init(version: .http1_1, status: answer.status, headers: headers))),
                    promise: nil)
                let chunk = context.channel.allocator.buffer(repeating: 65, count: 1024)
                for _ in 0..<answer.kilobytes {
                    context.write(wrapOutboundOut(.body(.byteBuffer(chunk))), promise: nil)
                }
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}

@Suite("sender of webhooks")
struct SenderTests {
    private var loopback: AddressPolicy {
        var policy = AddressPolicy()
        policy.allowsLoopback = true
        return policy
    }

    private func request(_ url: String, _ body: String = #"{"a":1}"#) -> WebhookRequest {
        let event = RecordedEvent(
            position: 1, stream: "a-1", revision: 1, recordedAt: Timestamp(microsecondsSince1970: 0),
            data: EventData(type: "noted", text: body))
        return WebhookRequest(
            WebhookMessage(event, from: StoreID(high: 1, low: 1)), to: url,
            signedBy: [WebhookSecret(bytes: [UInt8](repeating: 1, count: 32))],
            at: Timestamp(microsecondsSince1970: 1_000_000))
    }

    private func sender(
        _ policy: AddressPolicy, timeout: Duration = .seconds(20), resolver: HostResolver = .system
    ) -> WebhookSender { WebhookSender(policy, resolver: resolver, timeout: timeout) }

    @Test("PRC-29: the body arrives byte for byte with its headers, over one connection")
    func exact() async throws {
        let server = try await LoopbackServer()
        let sender = sender(loopback)
        let request = request("http://127.0.0.1:\(server.port)/hook?x=%20y")
        for _ in 0..<3 { #expect(try await sender.send(request) == WebhookAnswer(status: 200)) }
        let received = try #require(server.requests.first)
        #expect(received.body == request.body && received.head.method == .POST)
        #expect(received.head.uri == "/hook?x=%20y")
        for (name, value) in request.headers { #expect(received.head.headers[name] == [value]) }
        #expect(server.requests.count == 3 && server.connections == 1)
        await sender.close()
        await server.close()
    }

    @Test("PRC-30: without the setting for tests, this machine is not connected to")
    func refused() async throws {
        let server = try await LoopbackServer()
        var policy = AddressPolicy()
        policy.ports.insert(server.port)
        let port = server.port
        // The name had a public address when it was registered, and has this machine's now.
        let flips = Lock(0)
        let resolver = HostResolver { host in
            if host != "flips.example" { return try await HostResolver.system.addresses(of: host) }
            let texts = flips.withLock { count in
                count += 1
                return count == 1 ? ["8.8.8.8"] : ["127.0.0.1"]
            }
            return texts.compactMap { IPAddress(text: $0) }
        }
        let sender = sender(policy, timeout: .milliseconds(300), resolver: resolver)
        let hosts = ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "flips.example"]
        // It is registered with the address that it has then.
        _ = try policy.chosen(of: try await resolver.addresses(of: "flips.example"), for: "flips.example")
        for host in hosts {
            for scheme in ["http", "https"] {
                await #expect(throws: (any Error).self) {
                    try await sender.send(request("\(scheme)://\(host):\(port)/"))
                }
            }
        }
        #expect(server.connections == 0)
        await sender.close()
        await server.close()
    }

    @Test("PRC-30: the peer of a connection is compared before any request is sent over it")
    func peer() async throws {
        let server = try await LoopbackServer()
        let other = try #require(IPAddress(text: "127.0.0.2"))
        let mine = try #require(IPAddress(text: "127.0.0.1"))
        // A client that lost its pin connects to what the resolver of the system says.
        for (address, policy, isSent) in [
            (mine, loopback, true), (other, loopback, false), (mine, AddressPolicy(), false),
        ] {
            var configuration = HTTPClient.Configuration()
            configuration.connectionPool.retryConnectionEstablishment = false
            configuration.http1_1ConnectionDebugInitializer = WebhookSender.peerCheck(address, policy)
            let client = HTTPClient(configuration: configuration)
            let before = server.requests.count
            let answer = try? await client.execute(
                HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/"), timeout: .seconds(2))
            #expect((answer != nil) == isSent && server.requests.count == before + (isSent ? 1 : 0))
            try await client.shutdown()
        }
        #expect(try await eventually { server.connections >= 3 })
        await server.close()
    }

    @Test("PRC-30: the address that was judged is the one that is connected to, also if the resolver has another one")
    func pinned() async throws {
        let server = try await LoopbackServer()
        let resolver = HostResolver { _ in [IPAddress(text: "127.0.0.1")].compactMap { $0 } }
        let sender = sender(loopback, resolver: resolver)
        // No resolver of the system knows this name.
        let policy = loopback
        #expect(throws: WebhookRefusal.self) { try WebhookURL("http://shop.invalid:\(server.port)/", policy) }
        #expect(try await sender.send(request("http://localhost:\(server.port)/")).status == 200)
        #expect(server.requests.first?.head.headers["host"] == ["localhost:\(server.port)"])
        await sender.close()
        await server.close()
    }

    @Test("PRC-30: a redirect is an answer, and is not followed", arguments: [301, 302, 303, 307, 308])
    func redirect(status: Int) async throws {
        let inner = try await LoopbackServer()
        let server = try await LoopbackServer(
            .init(status: .init(statusCode: status), headers: [("location", "http://127.0.0.1:\(inner.port)/admin")]))
        let sender = sender(loopback)
        #expect(try await sender.send(request("http://127.0.0.1:\(server.port)/")).status == status)
        #expect(inner.connections == 0)
        await sender.close()
        await server.close()
        await inner.close()
    }

    @Test("little of a long answer is read, and Retry-After is")
    func long() async throws {
        let server = try await LoopbackServer(
            .init(status: .serviceUnavailable, headers: [("Retry-After", "77")], kilobytes: 50_000))
        let sender = sender(loopback)
        let answer = try await sender.send(request("http://127.0.0.1:\(server.port)/"))
        #expect(answer == WebhookAnswer(status: 503, retryAfter: "77"))
        await sender.close()
        await server.close()
    }

    @Test("an endpoint that does not answer is given up in time")
    func silent() async throws {
        let server = try await LoopbackServer(.init(isSilent: true))
        let sender = sender(loopback, timeout: .seconds(1))
        let start = ContinuousClock.now
        await #expect(throws: (any Error).self) { try await sender.send(request("http://127.0.0.1:\(server.port)/")) }
        #expect(start.duration(to: .now) < .seconds(30))
        await sender.close()
        await server.close()
    }
}
