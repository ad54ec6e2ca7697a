import SillokCore
import SillokProjections

/// The time of a store, which decides what is due. The clock of the runner only measures how long ago it was read.
///
/// The time is read by an append without events, which records the number of the reading as tracking: its receipt has
/// the time at which the store would have recorded an event.
final class StoreTime: Sendable {
    private struct State {
        var time: Timestamp?
        var readAt = Duration.zero
        var number: UInt64 = 0
    }

    private let store: any EventStore
    private let source: TrackingSource
    private let elapsed: @Sendable () -> Duration
    private let state = Lock(State())

    init(_ store: any EventStore, _ source: TrackingSource, _ clock: any Clock<Duration>) {
        self.store = store
        self.source = source
        elapsed = Self.stopwatch(clock)
    }

    private static func stopwatch(_ clock: some Clock<Duration>) -> @Sendable () -> Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }

    /// What the time should be now; `nil` before the first reading.
    var estimate: Timestamp? {
        let now = elapsed()
        return state.withLock { state in
            state.time?.advanced(byMicroseconds: (now - state.readAt).wholeMicroseconds)
        }
    }

    /// How long ago the time was read.
    private var age: Duration {
        let now = elapsed()
        return state.withLock { $0.time == nil ? .seconds(Int32.max) : now - $0.readAt }
    }

    /// Returns the time, by a reading that is at most this old. It is read again also if the runner's clock was set
    /// back, because then that clock says nothing about the age.
    func current(within limit: Duration) async throws -> Timestamp {
        if isFresh(within: limit), let estimate { return estimate }
        return try await read()
    }

    /// Whether the last reading is at most this old.
    func isFresh(within limit: Duration) -> Bool { age >= .zero && age < limit }

    /// Reads the time.
    func read() async throws -> Timestamp {
        while true {
            try Task.checkCancellation()
            let number = state.withLock { state in
                state.number &+= 1
                return state.number
            }
            do {
                let tracking = Tracking(source: source, position: number)
                let receipt = try await store.append(AppendRequest([], tracking: tracking))
                note(receipt.recordedAt)
                return receipt.recordedAt
            } catch {
                guard case .tracking(let conflict) = error else { throw error.underlyingError }
                state.withLock { $0.number = max($0.number, conflict.recorded) }
            }
        }
    }

    /// Notes a time that the store has just given to an event.
    func note(_ time: Timestamp) {
        let now = elapsed()
        state.withLock { ($0.time, $0.readAt) = (time, now) }
    }
}
