import Logging
import ServiceLifecycle
import Sillok
import SillokServer
import Testing

/// The code of the article `EmbeddingTheServer`.
@Suite(.timeLimit(.minutes(10))) struct ServingTests {
    func service(
        of store: any EventStore, at address: ListeningAddress, logger: Logger,
        onStart: @escaping @Sendable (ListeningAddress) async -> Void
    ) async throws -> ServiceGroup {
        let carts = StreamFold("cart", of: Cart.self) { ["items": $0.items] }
        let interface = try await WebInterface(Served(store, folds: [carts]), gatekeeper: .open, logger: logger)
        let server = StoreServer(
            interface, configuration: .init(address: address), logger: logger, onStart: onStart)
        return ServiceGroup(configuration: .init(services: [server], logger: logger))
    }

    @Test func `a server of an application listens, and ends with its group`() async throws {
        let (ports, port) = AsyncStream<Int>.makeStream()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let group = try await service(
            of: MemoryEventStore(), at: ListeningAddress(host: "127.0.0.1", port: 0), logger: logger
        ) { address in
            port.yield(address.port)
        }
        let running = Task { try await group.run() }
        var started = ports.makeAsyncIterator()
        #expect(try #require(await started.next()) > 0)
        await group.triggerGracefulShutdown()
        try await running.value
    }
}
