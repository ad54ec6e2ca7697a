import Foundation
import SillokCore
import SillokSQLite
import Testing

/// The queue of the writer, with a commit that is held up.
@Suite(.timeLimit(.minutes(10))) struct QueueTests {
    private let folder = TemporaryFolder()

    private func request(_ bytes: Int) -> AppendRequest {
        AppendRequest([
            .init(stream: "a-1", event: EventData(type: "noted", payload: [UInt8](repeating: 7, count: bytes)))
        ])
    }

    /// Opens a store and holds up its first commit until `body` calls the function that it is given.
    private func withHeldWriter(
        _ limits: Limits, _ body: (SQLiteEventStore, Task<Receipt, any Error>, () -> Void) async throws -> Void
    ) async throws {
        let store = try SQLiteEventStore(path: folder(), limits: limits)
        let gate = Lock((isReached: false, isOpen: false))
        store.onCommit { _ in
            gate.withLock { $0.isReached = true }
            gate.wait { $0.isOpen ? () : nil }
        }
        let request = request(10)
        let first = Task { try await store.append(request) }
        try #require(try await eventually { gate.withLock { $0.isReached } })
        let release = {
            gate.withLock { $0.isOpen = true }
            gate.wakeAll()
        }
        do {
            try await body(store, first, release)
        } catch {
            release()
            throw error
        }
        release()
        await store.close()
    }

    @Test("W6: appends beyond Limits.queueBytes are refused at once, also if tags and metadata make them large")
    func isBounded() async throws {
        var limits = Limits()
        limits.queueBytes = 1 << 20
        try await withHeldWriter(limits) { store, first, release in
            let large = request(900_000)
            let waiting = Task { try await store.append(large) }
            var metadata = Metadata()
            metadata["note"] = String(repeating: "m", count: 60_000)
            let tags = (0..<60).map { EventTag("tag", String(repeating: "t", count: 200) + "\($0)") }
            let heavy = (0..<4).map { _ in EventData(type: "noted", tags: tags, metadata: metadata, payload: []) }
            try #require(try await eventually { store.queuedBytes >= 900_000 })
            let refusal = await #expect(throws: AppendError.self) {
                try await store.append(heavy, to: "a-2")
            }?.failure
            #expect(refusal?.code == .overloaded)
            #expect(refusal?.outcome == .definite && refusal?.retryAfter != nil)
            release()
            let receipt = try await first.value
            #expect(receipt.position == 1)
            #expect(try await waiting.value.position == 2)
            #expect(try await store.head() == 2)
            #expect(try await store.append(heavy, to: "a-2").position == 6)
        }
    }

    @Test("W6: a cancelled append that waits is withdrawn; one whose commit has begun gets its receipt")
    func cancelled() async throws {
        try await withHeldWriter(Limits()) { store, first, release in
            let held = store.queuedBytes
            let abandoned = (0..<50).map { _ in
                let request = request(1000)
                return Task { try await store.append(request) }
            }
            try #require(try await eventually { store.queuedBytes >= 50 * 1000 })
            for task in abandoned { task.cancel() }
            // Their bytes are given back while the writer is still held up.
            #expect(try await eventually { store.queuedBytes == held })
            first.cancel()
            release()
            for task in abandoned {
                let error = await #expect(throws: AppendError.self) { try await task.value }?.failure
                #expect(error?.code == .cancelled && error?.outcome == .definite)
            }
            let receipt = try await first.value
            #expect(receipt.position == 1)
            #expect(try await store.append([EventData(type: "noted", text: "1")]).position == 2)
        }
    }
}
