import SillokCore
import Testing

@Suite(.timeLimit(.minutes(10))) struct LogWatchTests {
    /// A log that another process writes, which counts the looks at it.
    private final class ForeignLog: Sendable {
        private let state = Lock((events: [RecordedEvent](), looks: 0, failure: StoreError?.none))

        var looks: Int { state.withLock { $0.looks } }

        func append(_ stream: StreamID) {
            state.withLock { state in
                let place = UInt64(state.events.count + 1)
                state.events.append(
                    RecordedEvent(
                        position: Position(place), stream: stream, revision: Revision(place),
                        recordedAt: Timestamp(microsecondsSince1970: 0), data: EventData(type: "t", payload: [])))
            }
        }

        func fail(_ error: StoreError?) { state.withLock { $0.failure = error } }

        func read(_ request: ReadRequest) throws -> EventBatch {
            try state.withLock { state in
                state.looks += 1
                if let failure = state.failure { throw failure }
                let head = Position(UInt64(state.events.count))
                let after = request.after?.position ?? .start
                let events = state.events.filter { $0.position > after && request.query.matches($0) }
                return EventBatch(events: events, through: max(after, head), isEnd: true, head: head)
            }
        }
    }

    private let log = ForeignLog()
    private let clock = HandClock()
    private let signal = HeadSignal()

    private func watch() -> LogWatch {
        LogWatch(signal, every: .milliseconds(50), clock: clock) { [log] in try log.read($0) }
    }

    private func untilWaiting(_ count: Int) async throws {
        while signal.waiterCount != count { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test("W4: one look serves all who wait in a process, and wakes those whose events came")
    func oneLook() async throws {
        let watch = watch()
        log.append("a-0")
        let idle = (1...100).map { number in
            Task { try await watch.reach(2, for: .stream(StreamID("a-\(number)"))) }
        }
        try await untilWaiting(100)
        for tick in 1...20 {
            await clock.waitForSleeper()
            #expect(log.looks == tick)
            log.append("b-\(tick)")
            clock.advance(by: .milliseconds(50))
        }
        await clock.waitForSleeper()
        #expect(signal.waiterCount == 100)
        log.append("a-7")
        clock.advance(by: .milliseconds(50))
        try await idle[6].value
        try await untilWaiting(99)
        // One that comes later finds it.
        try await watch.reach(22, for: .stream("a-7"))
        for task in idle { task.cancel() }
        for task in idle { _ = await task.result }
    }

    @Test func `a look that fails ends the waits of then, and the next one is looked for`() async throws {
        let watch = watch()
        let waiting = Task { try await watch.reach(1, for: .all) }
        try await untilWaiting(1)
        await clock.waitForSleeper()
        log.fail(StoreError(.ioFailure, "the disk is away."))
        clock.advance(by: .milliseconds(50))
        let error = await #expect(throws: StoreError.self) { try await waiting.value }
        #expect(error?.code == .ioFailure)
        log.fail(nil)
        log.append("a-1")
        let again = Task { try await watch.reach(1, for: .all) }
        let ticking = Task {
            while !Task.isCancelled {
                clock.advance(by: .milliseconds(50))
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        try await again.value
        ticking.cancel()
    }
}
