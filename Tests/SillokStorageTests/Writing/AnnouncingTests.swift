import SillokCore
import SillokStorage
import SillokTestSupport
import Testing

/// The readers that a committed group wakes.
@Suite(.timeLimit(.minutes(10))) struct AnnouncingTests {
    /// Announces one append to two readers that wait, and returns the queries of those that still wait afterwards.
    private func waiting(after append: [EventData], in stream: StreamID, head: Position) async throws -> [StreamID] {
        let signal = HeadSignal()
        signal.advance(to: 1)
        let left = Lock<Set<StreamID>>(["a-1", "b-1"])
        let readers = left.withLock { $0 }.map { stream in
            Task {
                try await signal.reach(2, for: .stream(stream))
                left.withLock { _ = $0.remove(stream) }
            }
        }
        #expect(try await eventually { signal.waiterCount == 2 })
        let request = AppendRequest(append.map { .init(stream: stream, event: $0) })
        signal.announce([request], through: head)
        #expect(signal.announced == head)
        let count = signal.waiterCount
        #expect(try await eventually { left.withLock { $0.count } == count })
        for reader in readers { reader.cancel() }
        return left.withLock { $0.sorted() }
    }

    @Test("W4: the events of a commit whose outcome was unknown wake all readers, because their keys are not known")
    func unknownEvents() async throws {
        // The group with positions 2 and 3 failed with an unknown outcome. It was stored, and the second append of it
        // is repeated and gets its receipt.
        #expect(try await waiting(after: [EventData(type: "noted", text: "2")], in: "b-1", head: 3) == [])
        // The keys of all new events are known.
        let both = ["1", "2"].map { EventData(type: "noted", text: $0) }
        #expect(try await waiting(after: both, in: "b-1", head: 3) == ["a-1"])
    }
}
