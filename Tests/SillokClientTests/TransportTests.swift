import NIOCore
import NIOHPACK
import NIOPosix
import Sillok
import SillokGRPC
import SillokServer
import SillokTestSupport
import SillokWire
import Testing

@testable import SillokClient

/// What is gRPC in the server, with clients that do as they please.
@Suite struct TransportTests {
    private let store = MemoryEventStore()

    private func withServer(
        _ configuration: GRPCServer.Configuration = .init(),
        authorizer: @escaping Authorizer = { _, _, _ in .allowed(principal: "anyone") },
        _ body: (RunningServer, RawClient) async throws -> Void
    ) async throws {
        let server = try await RunningServer(serving: store, configuration, authorizer: authorizer)
        let client = try await RawClient(port: server.port)
        do {
            try await body(server, client)
        } catch {
            await client.close()
            await server.stop()
            throw error
        }
        await client.close()
        await server.stop()
    }

    private func append(_ count: Int, bytes: Int = 10) async throws {
        for _ in 0..<count {
            try await store.append([EventData(type: "noted", payload: Array(repeating: 7, count: bytes))])
        }
    }

    @Test func `requests that are no calls are refused and the connection goes on`() async throws {
        try await withServer { _, client in
            let two = ByteBuffer(bytes: Array(repeating: 0, count: 10))
            let head = "/umadb.v1.DCB/Head"
            #expect(try await client.call("/none/At").status()?.code == .unimplemented)
            #expect(try await client.call(head, two).status()?.code == .invalidArgument)
            #expect(try await client.call(head, ByteBuffer()).status()?.code == .invalidArgument)
            #expect(try await client.call(head, ByteBuffer(bytes: [0, 0, 0, 0, 9])).status()?.code == .invalidArgument)
            #expect(try await client.call(head, ByteBuffer(bytes: [1, 0, 0, 0, 0])).status()?.code == .unimplemented)
            #expect(
                try await client.call(head, ByteBuffer(bytes: [0, 255, 0, 0, 0])).status()?.code == .resourceExhausted)
            let gzip = try await client.call(head, headers: ["grpc-encoding": "gzip"])
            #expect(try await gzip.status()?.code == .unimplemented)
            #expect(gzip.state.withLock { $0.end?.value("grpc-accept-encoding") } == "identity")
            let json = try await client.call(head, headers: ["content-type": "application/json"])
            #expect(try await json.status() == nil)
            #expect(json.state.withLock { $0.end?.value(":status") } == "415")
            #expect(try await client.call(head).status()?.code == .ok)
        }
    }

    @Test func `a subscription has its headers at once, then every event once`() async throws {
        try await withServer { _, client in
            let call = try await client.call("/umadb.v1.DCB/Subscribe")
            try await call.wait { $0.headers != nil }
            #expect(call.state.withLock { $0.messages.isEmpty })
            try await append(3)
            try await call.wait { !$0.messages.isEmpty }
            call.cancel()
        }
    }

    @Test func `a subscriber that does not read holds up nobody and is served when it reads`() async throws {
        try await withServer { _, client in
            let stalled = try await client.call("/umadb.v1.DCB/Subscribe", isRead: false)
            try await append(200, bytes: 20_000)
            let other = try await RemoteEventStore("sillok://127.0.0.1:\(client.channel.remoteAddress?.port ?? 0)")
            #expect(try await other.head() == 200)
            await other.close()
            let channel = try #require(stalled.channel.withLock { $0 })
            try await channel.setOption(.autoRead, value: true).get()
            channel.read()
            try await stalled.wait { $0.messages.reduce(0) { $0 + $1.readableBytes } > 200 * 20_000 }
            stalled.cancel()
        }
    }

    @Test func `a call that is cancelled or whose time is over frees its place`() async throws {
        var configuration = GRPCServer.Configuration()
        configuration.limits.subscriptions = 1
        try await withServer(configuration) { _, client in
            let first = try await client.call("/umadb.v1.DCB/Subscribe")
            try await first.wait { $0.headers != nil }
            #expect(try await client.call("/umadb.v1.DCB/Subscribe").status()?.code == .resourceExhausted)
            first.cancel()
            var code: GRPCStatus.Code?
            repeat {
                let brief = try await client.call("/umadb.v1.DCB/Subscribe", headers: ["grpc-timeout": "50m"])
                code = try await brief.status()?.code
            } while code == .resourceExhausted
            #expect(code == .deadlineExceeded)
        }
    }

    /// A store whose appends wait until it is opened, also if their task is cancelled; or fail with an error.
    private struct HeldStore: ForwardingEventStore {
        let base: any EventStore
        var failure: StoreError?
        let gate = AsyncStream<Void>.makeStream()
        let waiting = Lock(0)
        let arrivals = AsyncStream<Void>.makeStream()

        func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
            if let failure { throw .failed(failure) }
            waiting.withLock { $0 += 1 }
            arrivals.continuation.yield()
            let stream = gate.stream
            await Task.detached { for await _ in stream {} }.value
            return try await base.append(request)
        }
    }

    private static let append =
        AppendRequest([.init(stream: "a-1", event: EventData(type: "noted", text: "1"))]).framed()

    @Test("W6: an abandoned call keeps its limits until the append has left the store")
    func limitsOfAbandonedCalls() async throws {
        let held = HeldStore(base: store)
        var configuration = GRPCServer.Configuration()
        configuration.limits.calls = 4
        let server = try await RunningServer(serving: held, configuration)
        let client = try await RawClient(port: server.port)
        let path = "/sillok.v1.EventStore/Append"
        let late = try await client.call(path, Self.append, headers: ["grpc-timeout": "50m"])
        #expect(try await late.status()?.code == .deadlineExceeded)
        let gone = try await client.call(path, Self.append)
        try #require(try await eventually(within: .seconds(120)) { held.waiting.withLock { $0 } == 2 })
        gone.cancel()
        let head = "/umadb.v1.DCB/Head"
        for _ in 0..<20 { #expect(try await client.call(head).status()?.code == .resourceExhausted) }
        held.gate.continuation.finish()
        var code: GRPCStatus.Code?
        repeat { code = try await client.call(head).status()?.code } while code == .resourceExhausted
        #expect(code == .ok)
        await client.close()
        await server.stop()
    }

    @Test("W6: overload, a query that is too expensive and a replaced file have a status in each protocol")
    func mappings() async throws {
        var event = UmaDB.Event.unread
        event.type = "noted"
        var message = UmaDB.AppendRequest.unread
        message.events = [event]
        let umaDB = message.framed()
        let expected: [(StoreError, own: GRPCStatus.Code, umaDB: GRPCStatus.Code)] = [
            (
                StoreError(.overloaded, "too many appends wait.", retryAfter: .milliseconds(1500)), .resourceExhausted,
                .resourceExhausted
            ),
            (StoreError(.tooExpensive, "the query is too expensive."), .ok, .invalidArgument),
            (StoreError(.fileReplaced, "another file is there."), .ok, .unavailable),
        ]
        for (error, own, foreign) in expected {
            let server = try await RunningServer(serving: HeldStore(base: store, failure: error))
            let client = try await RawClient(port: server.port)
            let first = try await client.call("/sillok.v1.EventStore/Append", Self.append).status()
            let second = try await client.call("/umadb.v1.DCB/Append", umaDB).status()
            #expect(first?.code == own && second?.code == foreign)
            if error.retryAfter != nil {
                #expect(first?.retryAfter == error.retryAfter && second?.retryAfter == error.retryAfter)
            }
            var options = RemoteEventStore.Options()
            options.timeout = .zero
            let remote = try await RemoteEventStore(server.address, options)
            let found = await #expect(throws: AppendError.self) {
                try await remote.append([EventData(type: "noted", text: "1")])
            }?.failure
            #expect(found?.code == error.code && found?.outcome == .definite && found?.retryAfter == error.retryAfter)
            await remote.close()
            await client.close()
            await server.stop()
        }
    }

    @Test func `calls of one connection end each in its own time`() async throws {
        try await withServer { _, client in
            let start = ContinuousClock.now
            let patient = try await client.call("/umadb.v1.DCB/Subscribe", headers: ["grpc-timeout": "1H"])
            try await patient.wait { $0.headers != nil }
            // Some are due before calls that began earlier, so that the timer must fire earlier, and then again.
            var calls: [(milliseconds: Int, call: RawCall)] = []
            for milliseconds in [400, 200, 300, 100] {
                let call = try await client.call(
                    "/umadb.v1.DCB/Subscribe", headers: ["grpc-timeout": "\(milliseconds)m"])
                calls.append((milliseconds, call))
            }
            for (milliseconds, call) in calls.sorted(by: { $0.milliseconds < $1.milliseconds }) {
                #expect(try await call.status()?.code == .deadlineExceeded)
                #expect(start.duration(to: .now) >= .milliseconds(milliseconds))
            }
            #expect(patient.state.withLock { $0.end == nil })
            try await append(1)
            try await patient.wait { !$0.messages.isEmpty }
            patient.cancel()
        }
    }

    @Test("W10: idle connections that take all places make room for one that calls")
    func idleConnections() async throws {
        var configuration = GRPCServer.Configuration()
        configuration.limits.connections = 2
        try await withServer(configuration) { server, first in
            #expect(try await first.call("/umadb.v1.DCB/Head").status()?.code == .ok)
            // It has proved nothing, so it makes room before the one that has.
            let idle = try await SilentConnection.accepted(by: server.port)
            let second = try await RawClient(port: server.port)
            #expect(try await second.call("/umadb.v1.DCB/Head").status()?.code == .ok)
            try await idle.closeFuture.get()
            let third = try await RawClient(port: server.port)
            #expect(try await third.call("/umadb.v1.DCB/Head").status()?.code == .ok)
            try await first.channel.closeFuture.get()
            #expect(try await second.call("/umadb.v1.DCB/Head").status()?.code == .ok)
            await second.close()
            await third.close()
        }
    }

    @Test("W10: a connection that begins no call in time is closed, another is not")
    func silentConnections() async throws {
        var configuration = GRPCServer.Configuration()
        configuration.limits.firstRequestTimeout = .seconds(1)
        try await withServer(configuration) { server, client in
            #expect(try await client.call("/umadb.v1.DCB/Head").status()?.code == .ok)
            let silent = try await RawClient(port: server.port)
            try await silent.channel.closeFuture.get()
            #expect(try await client.call("/umadb.v1.DCB/Head").status()?.code == .ok)
        }
    }

    @Test("W10: a principal with its share of the calls is refused with the name of the limit, others are not")
    func shares() async throws {
        let held = HeldStore(base: store)
        var configuration = GRPCServer.Configuration()
        configuration.limits.calls = 4
        let server = try await RunningServer(serving: held, configuration) { credentials, _, _ in
            .allowed(principal: credentials.authorization ?? "anyone")
        }
        let client = try await RawClient(port: server.port)
        let path = "/sillok.v1.EventStore/Append"
        var arrivals = held.arrivals.stream.makeAsyncIterator()
        for _ in 0..<2 {
            _ = try await client.call(path, Self.append, headers: ["authorization": "a"])
            _ = await arrivals.next()
        }
        let refused = try await client.call(path, Self.append, headers: ["authorization": "a"]).status()
        #expect(refused?.code == .resourceExhausted && refused?.retryAfter == .seconds(1))
        #expect(refused?.message.contains("a has 2 of 4 calls under way") == true, "\(String(describing: refused))")
        let other = try await RawClient(port: server.port)
        let head = "/sillok.v1.EventStore/Head"
        #expect(try await other.call(head, headers: ["authorization": "b"]).status()?.code == .ok)
        held.gate.continuation.finish()
        await client.close()
        await other.close()
        await server.stop()
    }

    @Test("W10: a reader of a stream that takes nothing is cut")
    func stalledReaders() async throws {
        var configuration = GRPCServer.Configuration()
        (configuration.limits.stallTimeout, configuration.limits.subscriptions) = (.milliseconds(100), 1)
        try await withServer(configuration) { _, client in
            let stalled = try await client.call("/umadb.v1.DCB/Subscribe", isRead: false)
            try await append(200, bytes: 20_000)
            let stream = try #require(stalled.channel.withLock { $0 })
            try await stream.closeFuture.get()
            #expect(try await client.call("/umadb.v1.DCB/Head").status()?.code == .ok)
        }
    }

    @Test func `a stopping server ends subscriptions with a status and takes no connection`() async throws {
        let server = try await RunningServer(serving: store)
        let client = try await RawClient(port: server.port)
        let following = try await client.call("/umadb.v1.DCB/Subscribe")
        let watching = try await client.call("/grpc.health.v1.Health/Watch")
        try await following.wait { $0.headers != nil }
        try await watching.wait { $0.messages.count == 1 }
        await server.stop()
        #expect(try await following.status()?.code == .unavailable)
        #expect(try await watching.status()?.code == .ok)
        #expect(watching.state.withLock { $0.messages.last.map { Array($0.readableBytesView) } } == [8, 2])
        await #expect(throws: (any Error).self) { try await RawClient(port: server.port) }
    }

    @Test func `who may not is told so by every method, health aside`() async throws {
        let authorizer: Authorizer = { credentials, _, _ in
            switch credentials.authorization {
            case "Bearer good": .allowed(principal: "ada")
            case nil: .unauthenticated("no key")
            default: .forbidden("another key")
            }
        }
        try await withServer(authorizer: authorizer) { server, client in
            let own = ["Describe", "Append", "Read", "Head", "Reach", "GetStream", "ListStreams", "GetTracking"]
            let paths =
                ["Append", "Read", "Subscribe", "Head", "GetTrackingInfo"].map { "/umadb.v1.DCB/\($0)" }
                + own.map { "/sillok.v1.EventStore/\($0)" }
            for path in paths {
                #expect(try await client.call(path).status()?.code == .unauthenticated, "\(path)")
                let forbidden = try await client.call(path, headers: ["authorization": "Bearer bad"])
                #expect(try await forbidden.status()?.code == .permissionDenied, "\(path)")
            }
            #expect(try await client.call("/grpc.health.v1.Health/Check").status()?.code == .ok)
            var options = RemoteEventStore.Options()
            await #expect { try await RemoteEventStore(server.address, options) } throws: {
                ($0 as? StoreError)?.code == .accessDenied
            }
            options.token = "good"
            let remote = try await RemoteEventStore(server.address, options)
            #expect(try await remote.head() == 0)
            await remote.close()
        }
    }

    @Test func `a subscription ends soon after its key is revoked`() async throws {
        let isValid = Lock(true)
        let authorizer: Authorizer = { _, _, _ in
            isValid.withLock { $0 } ? .allowed(principal: "ada") : .unauthenticated("revoked")
        }
        try await withServer(authorizer: authorizer) { _, client in
            let call = try await client.call("/umadb.v1.DCB/Subscribe")
            try await call.wait { $0.headers != nil }
            isValid.withLock { $0 = false }
            #expect(try await call.status()?.code == .unauthenticated)
        }
    }
}

/// A connection that sends nothing.
private final class SilentConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let accepted: EventLoopPromise<Void>

    private init(_ accepted: EventLoopPromise<Void>) { self.accepted = accepted }

    /// Returns when the server has taken it in: a server of HTTP/2 sends its settings first.
    static func accepted(by port: Int) async throws -> any Channel {
        let accepted = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SilentConnection(accepted))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await accepted.futureResult.get()
        return channel
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { accepted.succeed() }

    func channelInactive(context: ChannelHandlerContext) { accepted.fail(ChannelError.eof) }
}
