/// Looks for events that others append, for all who wait in this process: one look at a time, however many they are.
///
/// It looks while a reader waits, and announces to its ``HeadSignal`` what it finds.
package final class LogWatch: Sendable {
    private struct State {
        var waits = 0
        var isLooking = false
    }

    private let signal: HeadSignal
    private let interval: Duration
    private let clock: any Clock<Duration>
    private let read: @Sendable (ReadRequest) async throws -> EventBatch
    private let state = Lock(State())

    /// - Parameters:
    ///   - interval: the time between two looks.
    ///   - clock: what measures that time.
    ///   - read: reads a page of the log.
    package init(
        _ signal: HeadSignal, every interval: Duration, clock: any Clock<Duration> = ContinuousClock(),
        read: @escaping @Sendable (ReadRequest) async throws -> EventBatch
    ) {
        self.signal = signal
        self.interval = interval
        self.clock = clock
        self.read = read
    }

    /// Returns when the log may have an event of `query` at or after `position`.
    ///
    /// - Throws: what a look throws, what the signal throws.
    package func reach(_ position: Position, for query: EventQuery) async throws {
        let begins = state.withLock { state in
            state.waits += 1
            defer { state.isLooking = true }
            return !state.isLooking
        }
        defer { state.withLock { $0.waits -= 1 } }
        if begins { Task { await look() } }
        try await signal.reach(position, for: query)
    }

    private func look() async {
        var isFirst = true
        repeat {
            do {
                try await look(isFirst)
                isFirst = false
            } catch {
                signal.interrupt(error)
            }
            try? await clock.sleep(for: interval)
        } while isNeeded()
    }

    /// - Parameter isFirst: what was appended while no reader waited is not read.
    private func look(_ isFirst: Bool) async throws {
        if isFirst { return signal.advance(to: try await read(ReadRequest(EventQuery([]), limit: 1)).head) }
        let place = signal.announced
        signal.announce(try await read(ReadRequest(after: .position(place))), after: place)
    }

    private func isNeeded() -> Bool {
        state.withLock { state in
            state.isLooking = state.waits > 0
            return state.isLooking
        }
    }
}
