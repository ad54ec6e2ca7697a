import NIOCore
import NIOPosix
import Sillok
import SillokClient
import SillokTesting
import Testing

/// IDM-1 over the network: a proxy loses one answer in five, and the connection with it; the client repeats.
@Suite struct DroppedResponseTests {
    /// How many answers must be lost before the test ends. Answers to several calls may reach the proxy as one piece.
    /// So the number of appends alone does not determine how often it could lose one.
    private let enough = 20
    private let clients = 16

    @Test(.timeLimit(.minutes(10))) func `answers that are lost double nothing`() async throws {
        let store = MemoryEventStore()
        let seed = Environment.seed
        let server = try await RunningServer(serving: store)
        let proxy = try await DroppingProxy(to: server.port, seed: seed)
        let remote = try await patientStore(proxy)
        var acknowledged: [(EventID, Receipt)] = []
        var rounds: UInt64 = 0
        while proxy.dropped < enough {
            acknowledged += try await appendOnce(to: remote, after: rounds)
            rounds += 1
        }
        #expect(try await store.head() == Position(rounds * UInt64(clients)), "seed \(seed)")
        for (id, receipt) in acknowledged {
            let event = try await store.event(id)
            #expect(event?.position == receipt.position, "seed \(seed)")
        }
        print(
            "IDM-1: \(acknowledged.count) appends of \(clients) clients, \(proxy.dropped) answers lost, seed \(seed):",
            "0 doubled, 0 lost")
        await remote.close()
        await proxy.close()
        await server.stop()
    }

    /// One event of every client, all at once, each after what its client has recorded.
    private func appendOnce(to remote: RemoteEventStore, after rounds: UInt64) async throws -> [(EventID, Receipt)] {
        try await withThrowingTaskGroup(of: (EventID, Receipt).self) { group in
            for client in 0..<clients {
                group.addTask {
                    let event = EventData(type: "noted", text: "{}")
                    let stream = StreamID("client", "\(client)")
                    let receipt = try await remote.append(
                        [event], to: stream, if: .revision(Revision(rounds), of: stream))
                    return (event.id, receipt)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Connecting may lose its answers too.
    private func patientStore(_ proxy: DroppingProxy) async throws -> RemoteEventStore {
        var options = RemoteEventStore.Options()
        options.timeout = .seconds(600)
        options.pause = .milliseconds(2)
        return try await RemoteEventStore("sillok://127.0.0.1:\(proxy.port)", options)
    }
}

/// Passes bytes on in both directions; now and then it swallows what the server says and hangs up.
private final class DroppingProxy: Sendable {
    private struct State {
        var random: SeededGenerator
        var dropped = 0
    }

    let port: Int
    private let listener: any Channel
    private let state: Lock<State>

    init(to target: Int, seed: UInt64) async throws {
        let state = Lock(State(random: SeededGenerator(seed: seed)))
        self.state = state
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { client in
                ClientBootstrap(group: client.eventLoop).connect(host: "127.0.0.1", port: target).flatMapThrowing {
                    server in
                    try client.pipeline.syncOperations.addHandler(Passing(to: server) { false })
                    try server.pipeline.syncOperations.addHandler(
                        Passing(to: client) {
                            state.withLock { state in
                                guard Int.random(in: 0..<5, using: &state.random) == 0 else { return false }
                                state.dropped += 1
                                return true
                            }
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    var dropped: Int { state.withLock { $0.dropped } }

    func close() async { try? await listener.close() }
}

private final class Passing: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let drops: () -> Bool

    init(to other: any Channel, _ drops: @escaping () -> Bool) {
        self.other = other
        self.drops = drops
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if drops() {
            context.close(promise: nil)
        } else {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
