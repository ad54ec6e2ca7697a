#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where a store takes the time of day from: the system, or a test that sets it.
///
/// Sillok never orders by this clock; a store records the greater of it and the last recorded time.
public struct WallClock: Sendable {
    private let read: @Sendable () -> Timestamp

    /// A clock that answers what `now` answers.
    public init(_ now: @escaping @Sendable () -> Timestamp) { self.read = now }

    /// The time of day now.
    public func now() -> Timestamp { read() }

    /// The system's clock of the day.
    public static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microsecondsSince1970: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}

extension Clock where Duration == Swift.Duration {
    /// Starts to measure: the function returns the time since this call.
    package func stopwatch() -> () -> Duration {
        let start = now
        return { start.duration(to: now) }
    }
}
