import Sillok

/// The time of the lessons: noon of one day after the other, from Monday, 2026-11-23.
final class Days: Sendable {
    private let day = Guarded(Int64(0))

    var noon: Timestamp {
        let monday: Timestamp = "2026-11-23T12:00:00Z"
        return monday.advanced(byMicroseconds: day.withLock { $0 } * 86_400_000_000)
    }

    func next() { day.withLock { $0 += 1 } }
}
