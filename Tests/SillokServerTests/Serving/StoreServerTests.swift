import Foundation
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Sillok
import SillokCore
import SillokSQLite
import SillokService
import SillokTestSupport
import Testing

@testable import SillokServer

@Suite("A server on the network", .timeLimit(.minutes(10)))
struct StoreServerTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a server while `body` talks to it; ends it gracefully.
    private func serving(
        _ store: any EventStore, tls: TLSFiles? = nil, limits: ServerLimits = ServerLimits(),
        _ body: (Int, WebInterface) async throws -> Void
    ) async throws {
        let interface = try await WebInterface(Served(store), gatekeeper: .open, limits: limits, logger: logger)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let server = StoreServer(
            interface, configuration: .init(address: ListeningAddress(host: "127.0.0.1", port: 0), tls: tls),
            logger: logger
        ) { port.yield($0.port) }
        let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
        let running = Task { try await group.run() }
        var started = ports.makeAsyncIterator()
        try await body(try #require(await started.next()), interface)
        await group.triggerGracefulShutdown()
        try await running.value
    }

    @Test("requests are answered over a connection, and a shutdown ends a subscription with an event")
    func lifecycle() async throws {
        let store = MemoryEventStore()
        let reading = Lock<Task<String, any Error>?>(nil)
        try await serving(store) { port, interface in
            let health = try await exchange(
                port, "GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(health.hasPrefix("HTTP/1.1 200"))
            let body = #"{"type":"noted","subject":"a-1","data":1}"#
            let appended = try await exchange(
                port,
                "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(appended.contains("sillok-position: 1") || appended.contains("Sillok-Position: 1"))
            let task = Task { try await exchange(port, "GET /v1/subscribe HTTP/1.1\r\nHost: localhost\r\n\r\n") }
            reading.withLock { $0 = task }
            while interface.admission.followers.first?.position != 1 { try await Task.sleep(for: .milliseconds(2)) }
            #expect(interface.metrics.current.connections >= 1)
        }
        let text = try #require(try await reading.withLock { $0 }?.value)
        #expect(text.contains(#/id: 1@\S+\ndata:\{/#) && text.contains("event: end"))
    }

    @Test("a new certificate is used without a restart, and a half-written one is not")
    func certificates() async throws {
        let folder = TemporaryFolder()
        let (chain, secret) = (folder("chain.pem"), folder("key.pem"))
        try makeCertificate("first.example", chain, secret)
        try await serving(MemoryEventStore(), tls: TLSFiles(certificate: chain, key: secret)) { port, _ in
            #expect(try await presented(port) == "first.example")
            try "not a certificate".write(toFile: chain, atomically: true, encoding: .utf8)
            #expect(try await presented(port) == "first.example")
            try makeCertificate("second.example", chain, secret)
            #expect(try await presented(port) == "second.example")
        }
    }

    @Test("C20: a client that expects 100-continue gets it, unless the request is refused")
    func continuing() async throws {
        try await serving(MemoryEventStore()) { port, _ in
            let body = #"{"type":"noted","subject":"a-1","data":1}"#
            let head =
                "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Connection: close\r\nExpect: 100-continue\r\n"
            let answer = try await exchange(
                port, head + "Content-Length: \(body.utf8.count)\r\n\r\n", thenOn: "100 Continue\r\n\r\n", body)
            #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"), "\(answer)")
            let large = try await exchange(port, head + "Content-Length: 99999999\r\n\r\n", thenOn: "never", "")
            #expect(large.hasPrefix("HTTP/1.1 413"), "\(large)")
        }
    }

    @Test("X9: a certificate without its key is not used, and a new authority of clients is")
    func pairs() async throws {
        let folder = TemporaryFolder()
        for name in ["first", "second"] {
            try makeCertificate("\(name).example", folder("\(name).pem"), folder("\(name).key"))
        }
        func copy(_ from: String, _ to: String) throws {
            try Data(contentsOf: URL(fileURLWithPath: folder(from))).write(
                to: URL(fileURLWithPath: folder(to)), options: .atomic)
        }
        try copy("first.pem", "chain.pem")
        try copy("first.key", "key.pem")
        try copy("first.pem", "clients.pem")
        let files = TLSFiles(
            certificate: folder("chain.pem"), key: folder("key.pem"), clientAuthority: folder("clients.pem"))
        let contexts = try files.contexts(logger: logger)
        let before = try contexts()
        #expect(try contexts() === before)
        // Between two renames: the certificate is new, the key is not.
        try copy("second.pem", "chain.pem")
        #expect(try contexts() === before)
        try copy("second.key", "key.pem")
        let after = try contexts()
        #expect(after !== before)
        try copy("second.pem", "clients.pem")
        #expect(try contexts() !== after)
        try copy("first.key", "key.pem")
        #expect(throws: (any Error).self) { _ = try files.contexts(logger: logger) }
        // An address that is in use is named.
        try await serving(MemoryEventStore()) { port, interface in
            let address = ListeningAddress(host: "127.0.0.1", port: port)
            let second = StoreServer(interface, configuration: .init(address: address), logger: logger)
            await #expect { try await second.run() } throws: { ($0 as? ListeningFailure)?.address == address }
        }
    }

    @Test("X9: no event loop reads the files of a certificate, for either protocol")
    func readingThread() async throws {
        struct Stop: Error {}
        let isOnLoop = Lock<[Bool]>([])
        let contexts: @Sendable () throws -> NIOSSLContext = {
            let isLoop = MultiThreadedEventLoopGroup.currentEventLoop != nil
            isOnLoop.withLock { $0.append(isLoop) }
            throw Stop()
        }
        // A connection whose files cannot be read is closed.
        var configuration = GRPCServer.Configuration()
        (configuration.port, configuration.tls) = (0, contexts)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let server = GRPCServer(serving: MemoryEventStore(), configuration, whenListening: { port.yield($0) })
        let running = Task { try await server.run() }
        var started = ports.makeAsyncIterator()
        try await connect(try #require(await started.next())).closeFuture.get()
        running.cancel()
        try await running.value

        let protected = ProtectedChannel(base: UnusedChannel(), contexts: contexts)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let logger = logger
        await #expect(throws: Stop.self) {
            _ = try await channel.eventLoop.flatSubmit { protected.setup(channel: channel, logger: logger) }.get()
        }
        try await channel.close()
        #expect(isOnLoop.withLock { $0 } == [false, false])
    }

    private static let live = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    private func connect(_ port: Int) async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port)
            .get()
    }

    @Test("W10: idle connections that take all places make room for one that asks")
    func idleConnections() async throws {
        var limits = ServerLimits()
        // However slow the machine is, no connection is closed for its silence.
        (limits.connections, limits.firstRequestTimeout) = (3, .seconds(600))
        try await serving(MemoryEventStore(), limits: limits) { port, _ in
            var idle: [any Channel] = []
            for _ in 0..<3 { idle.append(try await connect(port)) }
            let answer = try await exchange(port, Self.live)
            #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
            // Which of them gives its place depends on the order in which the event loops register them.
            let (closed, close) = AsyncStream<Void>.makeStream()
            for channel in idle { channel.closeFuture.whenComplete { _ in close.yield() } }
            for await _ in closed { break }
            for channel in idle { channel.close(promise: nil) }
        }
    }

    @Test("W10: a connection that sends no request in time is closed over the network too")
    func silentConnections() async throws {
        var limits = ServerLimits()
        limits.firstRequestTimeout = .milliseconds(50)
        try await serving(MemoryEventStore(), limits: limits) { port, _ in
            try await connect(port).closeFuture.get()
        }
    }

    @Test("W10: while all connections are in use, another one is refused with the name of the limit")
    func connectionsInUse() async throws {
        var limits = ServerLimits()
        limits.connections = 1
        try await serving(MemoryEventStore(), limits: limits) { port, _ in
            let request = "GET /v1/subscribe HTTP/1.1\r\nHost: localhost\r\n\r\n"
            try await withConnection(port) { inbound, outbound in
                try await outbound.write(ByteBuffer(string: request))
                var iterator = inbound.makeAsyncIterator()
                _ = try await iterator.next()
                // It need not ask: the refusal comes at once.
                var answer = ""
                try await withConnection(port) { inbound, _ in
                    for try await part in inbound { answer += String(buffer: part) }
                }
                #expect(answer.hasPrefix("HTTP/1.1 503") && answer.lowercased().contains("retry-after: 1\r\n"))
                #expect(answer.contains(#""limit":"connections""#), "\(answer)")
            }
        }
    }

    private func withConnection(
        _ port: Int,
        _ body: (NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws ->
            Void
    ) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await channel.executeThenClose { try await body($0, $1) }
    }

    /// Sends a request and returns everything until the connection ends. Sends `more` once `mark` has come.
    private func exchange(
        _ port: Int, _ request: String, thenOn mark: String? = nil, _ more: String = ""
    ) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var text = ""
            var isSent = false
            for try await part in inbound {
                text += String(buffer: part)
                if !isSent, let mark, text.hasSuffix(mark) {
                    isSent = true
                    try await outbound.write(ByteBuffer(string: more))
                }
            }
            return text
        }
    }

    /// The name in the certificate that a server shows.
    private func presented(_ port: Int) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl", "s_client", "-connect", "127.0.0.1:\(port)"]
        let output = Pipe()
        (process.standardInput, process.standardOutput, process.standardError) =
            (FileHandle.nullDevice, output, FileHandle.nullDevice)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.firstMatch(of: #/CN ?= ?([\w.]+)/#).map { String($0.1) } ?? text
    }

    private func makeCertificate(_ name: String, _ chain: String, _ secret: String) throws {
        let isMade = succeeds(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-keyout",
            secret, "-out", chain)
        try #require(isMade)
    }
}

/// What a connection with TLS is made of, in a test in which there is no TLS.
private struct UnusedChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let channel: any Channel
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeSucceededFuture(Value(channel: channel))
    }

    func handle(value: Value, logger: Logger) async {}
}
