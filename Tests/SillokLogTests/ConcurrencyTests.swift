import SillokCore
import SillokSQL
import SillokTestSupport
import Testing

@testable import SillokLog

/// All parts of a store at the same time. `scripts/torture --full threads` runs it with the thread sanitizer.
@Suite struct ConcurrencyTests {
    private static let writers = 8
    private static let appends = 40
    private let place = StorePlace()

    @Test(arguments: [LogTuning.tiny, LogTuning()])
    func `appends, reads, subscriptions, rows, checks and copies disturb each other in nothing`(
        _ tuning: LogTuning
    ) async throws {
        let store = try place.open("bank.sillok", .create, tuning)
        try await StreamLengths.attach(to: store.readModel)
        let isWritten = Lock(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await write(to: store)
                isWritten.withLock { $0 = true }
            }
            for _ in 0..<3 { group.addTask { try await follow(store) } }
            group.addTask { while !isWritten.withLock({ $0 }) { try await read(store) } }
            group.addTask {
                while !isWritten.withLock({ $0 }) {
                    let report = try await store.verify()
                    #expect(report.findings.isEmpty)
                }
            }
            group.addTask {
                for number in 0..<3 {
                    let copied = try await store.backup(to: place("copy-\(number)"))
                    #expect(copied.verification.isSound)
                }
            }
            group.addTask {
                while !isWritten.withLock({ $0 }) {
                    let other = try place.open("bank.sillok", .readOnly, tuning)
                    try await read(other)
                    await other.close()
                }
            }
            try await group.waitForAll()
        }
        #expect(try await StreamLengths.findings(store, store.readModel) == [])
        await store.close()
    }

    @Test func `a store that is closed during appends, reads and subscriptions ends all of them`() async throws {
        for _ in 0..<10 {
            let store = try place.open()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<Self.writers {
                    group.addTask {
                        while true { _ = try await store.append([note(0)], to: StreamID("w-\(writer)")) }
                    }
                    group.addTask { while true { try await read(store) } }
                    group.addTask { for try await _ in store.subscribe() {} }
                }
                try await store.reach(20)
                await store.close()
                while let end = await group.nextResult() {
                    guard case .failure = end else {
                        Issue.record("a task did not end with an error")
                        continue
                    }
                }
            }
        }
        let again = try place.open()
        #expect(try await again.verify().isSound)
        await again.close()
    }

    private func write(to store: LogEventStore) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<Self.writers {
                group.addTask {
                    let stream = StreamID("w-\(writer)")
                    for number in 0..<Self.appends {
                        let request = AppendRequest([.init(stream: stream, event: note(number))])
                        let receipt = try await store.append(request)
                        // A repeat is answered from the newest events or from the index.
                        let repeated = try await store.append(request)
                        #expect(repeated == receipt)
                        #expect(receipt.revisions[stream] == Revision(UInt64(number + 1)))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func follow(_ store: LogEventStore) async throws {
        var last = Position.start
        for try await batch in store.subscribe() {
            for event in batch.events {
                #expect(event.position == last.next)
                last = event.position
            }
            if last.value == UInt64(Self.writers * Self.appends) { return }
        }
    }

    private func read(_ store: LogEventStore) async throws {
        let newest = try await store.read(ReadRequest(.all, direction: .backward, limit: 20))
        for event in newest.events {
            let found = try await store.event(event.id)
            #expect(found == event)
        }
        for try await page in store.pages(.tags(EventTag("third", "1"))) { #expect(page.head >= newest.head) }
    }
}
