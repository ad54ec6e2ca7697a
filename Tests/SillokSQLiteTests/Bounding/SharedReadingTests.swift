import SillokProjections
import SillokTesting
import Testing

/// Counts the pages that are read.
private final class CountedPages: ForwardingEventStore {
    let base: any EventStore
    let count = Lock(0)

    init(_ base: any EventStore) { self.base = base }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        count.withLock { $0 += 1 }
        return try await base.read(request)
    }
}

@Suite("partitions that read together")
struct SharedReadingTests {
    @Test("16 partitions do not read the log 16 times, and the rows equal the fold", arguments: Storage.stores)
    func sixteen(on storage: Storage) async throws {
        var random = SeededGenerator.printed("partitions that read together")
        var books = try await Books(storage)
        try await books.fill(40, 1000, &random)
        let store = CountedPages(books.store)
        let options = ProjectorOptions(partitions: 16, batch: 50)
        let projector = Projector(Balances(), from: store, into: books.model, options: options)
        try await running(projector) {
            _ = try await projector.model(atLeast: books.store.head(), within: .seconds(120))
            #expect(try await books.rows() == books.expected)
            for turn in 1...20 {
                let receipt = try await books.append(.deposited(cents: turn), turn)
                _ = try await projector.model(atLeast: receipt, within: .seconds(120))
            }
        }
        #expect(try await books.rows() == books.expected)
        // Apart they would read 21 pages each of the log, and then at least one each for every append.
        let reads = store.count.withLock { $0 }
        print("16 partitions read \(reads) pages")
        #expect(reads < 16 * (21 + 20) / 2)
        await books.model.close()
    }
}
