public import SillokCore

/// A wall clock that does not advance until a test sets it.
///
/// ```swift
/// let clock = ManualClock()
/// let store = MemoryEventStore(clock: clock.wallClock)
/// clock.advance(by: .seconds(3600))
/// ```
public final class ManualClock: Sendable {
    private let time: Lock<Timestamp>

    /// Creates a clock that shows a time; by default the first moment of 2026 in UTC.
    public init(_ start: Timestamp = Timestamp(microsecondsSince1970: 1_767_225_600_000_000)) {
        time = Lock(start)
    }

    /// The time that the clock shows. It may be set forwards and backwards.
    public var now: Timestamp {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }

    /// Moves the clock by a duration; a negative duration moves it backwards.
    public func advance(by duration: Duration) { move(byMicroseconds: duration.wholeMicroseconds) }

    /// Moves it by microseconds, backwards if negative.
    package func move(byMicroseconds count: Int64) {
        time.withLock { $0 = $0.advanced(byMicroseconds: count) }
    }

    /// The clock as a store takes it.
    public var wallClock: WallClock { WallClock { self.now } }
}

/// The name that our own tests have for it.
package typealias SettableClock = ManualClock
