public import SillokCore

/// A clock of the day that stands still until a test moves it.
///
/// ```swift
/// let clock = ManualClock()
/// let store = MemoryEventStore(clock: clock.wallClock)
/// clock.advance(by: .seconds(3600))
/// ```
public final class ManualClock: Sendable {
    private let time: Lock<Timestamp>

    /// A clock that shows a time; by default the first moment of 2026.
    public init(_ start: Timestamp = Timestamp(microsecondsSince1970: 1_767_225_600_000_000)) {
        time = Lock(start)
    }

    /// What it shows; may be set forwards and backwards.
    public var now: Timestamp {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }

    /// Moves it by a duration, backwards if that is negative.
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
