import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import SillokGRPC
import SillokService
import Testing

@testable import SillokServer

@Suite("Connections within their limits")
struct ConnectionTests {
    @Test("W10: a newcomer replaces what has proved nothing, then what is idle, of the owner that has most")
    func replacing() {
        var table = ConnectionTable<Int>(limit: 5)
        for id in 1...3 {
            let opening = table.open(id, from: "x")
            #expect(opening == .taken)
        }
        for id in 4...5 {
            let opening = table.open(id, from: "y")
            #expect(opening == .taken)
        }
        // The first of x has proved nothing, and a request of it that is under way proves nothing either.
        table.begin(1)
        for id in [2, 3, 4, 5] { table.prove(id, id < 4 ? "key a" : "key b") }
        table.begin(2)
        var opening = table.open(6, from: "z")
        #expect(opening == .replacing(1))
        table.prove(6, "key c")
        // Two owners have two each: the one that has been idle for longest.
        table.begin(4)
        table.end(4)
        opening = table.open(7, from: "z")
        #expect(opening == .replacing(3))
        table.prove(7, "key d")
        for id in [4, 5, 6, 7] { table.begin(id) }
        opening = table.open(8, from: "z")
        #expect(opening == .refused)
        table.close(5)
        opening = table.open(8, from: "z")
        #expect(opening == .taken)
        #expect(table.owner(of: 8) == "z" && table.owner(of: 2) == "key a" && table.owner(of: 5) == nil)
    }

    @Test("W10: an owner that uses more than half of the connections gives one to another owner")
    func share() {
        var table = ConnectionTable<Int>(limit: 4)
        for id in 1...4 {
            _ = table.open(id, from: "x")
            table.prove(id, id < 4 ? "key a" : "key b")
            table.begin(id)
        }
        var opening = table.open(5, from: "key a")
        #expect(opening == .refused)
        opening = table.open(5, from: "x")
        #expect(opening == .replacing(1))
        table.prove(5, "key c")
        table.begin(5)
        opening = table.open(6, from: "x")
        #expect(opening == .refused && table.count == 4)
    }

    @Test("W10: callers are counted by address, for IPv6 by network")
    func addresses() throws {
        let cases: [(String, String)] = [
            ("10.1.2.3", "address 10.1.2.3"), ("::ffff:10.1.2.3", "address 10.1.2.3"),
            ("2001:db8:1:2:3:4:5:6", "address 2001:db8:1:2::/64"), ("2001:db8:1:2::7", "address 2001:db8:1:2::/64"),
        ]
        for (text, owner) in cases {
            #expect(CallerAddress.owner(text) == owner)
            #expect(CallerAddress.owner(try SocketAddress(ipAddress: text, port: 80)) == owner)
        }
        #expect(CallerAddress.owner("x") == "an unknown address")
    }

    private func channel(
        _ registry: ConnectionRegistry, _ limits: ServerLimits, _ metrics: ServerMetrics = ServerMetrics()
    ) throws -> (channel: EmbeddedChannel, handler: ConnectionHandler) {
        let handler = ConnectionHandler(registry, limits, metrics)
        let channel = EmbeddedChannel(handler: handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return (channel, handler)
    }

    @Test("W10: a connection that sends no request in time is closed, another is not")
    func firstRequest() throws {
        var limits = ServerLimits()
        limits.firstRequestTimeout = .seconds(3)
        let registry = ConnectionRegistry(limit: 8)
        let (idle, _) = try channel(registry, limits)
        let (used, _) = try channel(registry, limits)
        let head = HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: "/")
        try used.writeInbound(HTTPRequestPart.head(head))
        for channel in [idle, used] { channel.embeddedEventLoop.advanceTime(by: .milliseconds(2999)) }
        #expect(idle.isActive && used.isActive)
        for channel in [idle, used] { channel.embeddedEventLoop.advanceTime(by: .milliseconds(1)) }
        #expect(!idle.isActive && used.isActive)
        _ = try used.finish(acceptAlreadyClosed: true)
    }

    @Test("W10: a reader that takes nothing is cut, a slow one is not")
    func stalling() throws {
        var limits = ServerLimits()
        limits.stallTimeout = .seconds(5)
        let metrics = ServerMetrics()
        let (channel, handler) = try channel(ConnectionRegistry(limit: 8), limits, metrics)
        let head = HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: "/")
        try channel.writeInbound(HTTPRequestPart.head(head))
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        // What waits to be sent changes: the reader takes something, or more is written.
        let context = try channel.pipeline.syncOperations.context(handler: handler)
        context.write(NIOAny(ByteBuffer(string: "more")), promise: nil)
        channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(4999))
        #expect(channel.isActive && metrics.current.stalled == 0)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive && metrics.current.stalled == 1 && metrics.current.connections == 0)
    }

    @Test("W10: a reader that takes everything again is not cut later")
    func recovering() throws {
        var limits = ServerLimits()
        (limits.stallTimeout, limits.firstRequestTimeout) = (.seconds(5), .seconds(100))
        let (channel, _) = try channel(ConnectionRegistry(limit: 8), limits)
        for isWritable in [false, true] {
            channel.isWritable = isWritable
            channel.pipeline.fireChannelWritabilityChanged()
        }
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}
