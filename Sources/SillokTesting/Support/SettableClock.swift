package import Sillok

/// A clock of the day that stands still until it is set.
package final class SettableClock: Sendable {
    private let time: Lock<Timestamp>

    package init(_ start: Timestamp = Timestamp(microsecondsSince1970: 1_767_225_600_000_000)) {
        time = Lock(start)
    }

    /// What it shows; may be set forwards and backwards.
    package var now: Timestamp {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }

    /// Moves it by microseconds, backwards if negative.
    package func move(byMicroseconds count: Int64) {
        time.withLock { $0 = $0.advanced(byMicroseconds: count) }
    }

    /// The clock as a store takes it.
    package var wallClock: WallClock { WallClock { self.now } }
}
