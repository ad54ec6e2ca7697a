import SillokSystem

/// A source of the time of day for a store: the system, or a test that sets it.
///
/// Sillok never orders events by this clock. A store records the later of the clock and the last recorded time.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Timestamp

    /// Creates a clock that calls `now` for the time.
    public init(_ now: @escaping @Sendable () -> Timestamp) { self.read = now }

    /// Returns the current time of day.
    public func now() -> Timestamp { read() }

    /// The system's clock.
    public static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microsecondsSince1970: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}

extension Clock where Duration == Swift.Duration {
    /// Starts to measure: the function returns the time since this call.
    package func stopwatch() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: now) }
    }
}
