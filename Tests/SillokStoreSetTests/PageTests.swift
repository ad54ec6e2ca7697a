import Sillok
import SillokCore
import SillokStoreSet
import SillokTestSupport
import Testing

/// The code of the pages about several logs.
@Suite struct PageTests {
    private struct Order: Decider {
        enum Event: Codable, Sendable { case placed }
        enum Refusal: Error {}

        func decide(_ command: Int) throws(Refusal) -> [Event] { [.placed] }
        mutating func evolve(_ event: Event) {}
    }

    private let read = Lock<[LogName]>([])

    private func write(_ events: [RecordedEvent], of log: LogName, _ checkpoint: StoreSetCheckpoint) async throws {
        #expect(events.last.map { EventMark($0) } == checkpoint[log])
        read.withLock { $0.append(log) }
    }

    @Test("a handler on the store of its category, and a reader of all logs")
    func overview() async throws {
        let (salesStore, stockStore, stored) = (MemoryEventStore(), MemoryEventStore(), StoreSetCheckpoint.start)
        let stores = try StoreSet(
            ["sales": salesStore, "stock": stockStore], categories: ["order": "sales", "item": "stock"])
        let orders = CommandHandler<Order>("order", in: try stores.store(for: "order"))
        try await orders.execute(1, on: "1")
        let reader = Task {
            for try await batch in try stores.subscribe(to: .all, after: stored) {
                try await write(batch.events, of: batch.log, batch.checkpoint)
            }
        }
        #expect(try await eventually { read.withLock { $0 } == ["sales"] })
        reader.cancel()
        _ = await reader.result
    }
}
