import NIOCore
import Sillok
import SillokClient
import SillokConformance
import SillokServer
import SillokTesting
import SillokWire
import Testing

/// Many clients that wait for events, next to others that append.
@Suite(.timeLimit(.minutes(10))) struct WaitingCallTests {
    private static func note(_ text: String = "{}") -> [EventData] { [EventData(type: "noted", text: text)] }

    /// Counts the waits that are open at a time.
    private final class Gauge: Sendable {
        private let state = Lock((now: 0, most: 0))

        var most: Int { state.withLock { $0.most } }

        func during(_ body: () async throws -> Void) async rethrows {
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            defer { state.withLock { $0.now -= 1 } }
            try await body()
        }
    }

    private struct GaugedStore: ForwardingEventStore {
        let base: any EventStore
        let gauge = Gauge()

        func reach(_ position: Position, for query: EventQuery) async throws {
            try await gauge.during { try await base.reach(position, for: query) }
        }
    }

    @Test("W11: more waits than a connection has streams are open at once, and no append queues behind them")
    func waitsHaveConnectionsOfTheirOwn() async throws {
        let store = GaugedStore(base: MemoryEventStore())
        var configuration = GRPCServer.Configuration()
        configuration.limits.callsPerConnection = 8
        let server = try await RunningServer(serving: store, configuration)
        let remote = try await RemoteEventStore(server.address)
        let subscribers = (0..<20).map { number in
            Task { for try await _ in remote.subscribe(to: .stream(StreamID("idle-\(number)"))).events { return } }
        }
        // With one connection there are never more than eight.
        try await within(.seconds(300)) {
            while store.gauge.most < 20 { try await Task.sleep(for: .milliseconds(2)) }
        }
        _ = try await within(.seconds(300)) { try await remote.append(Self.note(), to: "busy-1") }
        for number in 0..<20 { try await remote.append(Self.note(), to: StreamID("idle-\(number)")) }
        for subscriber in subscribers { try await subscriber.value }
        await remote.close()
        await #expect { try await remote.reach(99) } throws: { ($0 as? StoreError)?.code == .closed }
        await server.stop()
    }

    /// A store whose log went back: it ends the waits for positions that it no longer has.
    private struct ShortenedStore: ForwardingEventStore {
        let base: any EventStore

        func reach(_ position: Position, for query: EventQuery) async throws {}
    }

    @Test("H2: a wait ends at once when the log of the server went back")
    func shortenedLog() async throws {
        let server = try await RunningServer(serving: ShortenedStore(base: MemoryEventStore()))
        let remote = try await RemoteEventStore(server.address)
        try await within(.seconds(300)) { try await remote.reach(99) }
        await remote.close()
        await server.stop()
    }

    @Test("W4: idle subscribers over gRPC read nothing while others append")
    func idleSubscribers() async throws {
        let server = try await RunningServer(serving: MemoryEventStore())
        let remote = try await RemoteEventStore(server.address)
        let report = try await OperationalChecks(store: remote).idle()
        #expect(report.isClean, "\(report)")
        await remote.close()
        await server.stop()
    }

    @Test("W4: idle subscribers of UmaDB's protocol read nothing while others append")
    func idleUmaDB() async throws {
        let store = CountingStore(MemoryEventStore())
        let server = try await RunningServer(serving: store)
        let client = try await RawClient(port: server.port)
        let path = "/umadb.v1.DCB/Subscribe"
        var idle: [RawCall] = []
        for number in 0..<10 { idle.append(try await client.call(path, Self.subscription("idle:\(number)"))) }
        let own = try await client.call(path, Self.subscription("busy"))
        let isIdle: @Sendable (EventQuery) -> Bool = { $0 != .tags("busy") }
        try await within(.seconds(300)) {
            while store.waits(where: { _ in true }) < 11 { try await Task.sleep(for: .milliseconds(2)) }
        }
        for number in 1...100 {
            try await store.append([EventData(type: "noted", tags: ["busy"], text: "{}")])
            try await own.wait { $0.messages.count >= number }
        }
        let reads = store.reads(where: isIdle)
        #expect(reads <= 4 * idle.count, "\(reads) reads")
        try await store.append([EventData(type: "noted", tags: ["idle:7"], text: "{}")])
        try await idle[7].wait { !$0.messages.isEmpty }
        await client.close()
        await server.stop()
    }

    private static func subscription(_ tag: String) -> ByteBuffer {
        var item = UmaDB.QueryItem.unread
        item.item.tags = [EventTag(tag)]
        var query = UmaDB.Query.unread
        query.items = [item]
        var request = UmaDB.SubscribeRequest.unread
        request.query = query
        return request.framed()
    }

    @Test("W4: who may not read the events of a query may not learn when they come")
    func waitingIsAuthorized() async throws {
        let authorizer: Authorizer = { _, operation, resource in
            switch (operation, resource) {
            case (.head, _): .allowed(principal: "ada")
            case (.readEvents, .query(.stream("own-1"))): .allowed(principal: "ada")
            default: .forbidden("not yours")
            }
        }
        let store = MemoryEventStore()
        try await store.append(Self.note(), to: "own-1")
        let server = try await RunningServer(serving: store, authorizer: authorizer)
        let remote = try await RemoteEventStore(server.address)
        try await remote.reach(1)
        try await remote.reach(1, for: .stream("own-1"))
        await #expect { try await remote.reach(1, for: .stream("other-1")) } throws: {
            ($0 as? StoreError)?.code == .accessDenied
        }
        await remote.close()
        await server.stop()
    }
}
