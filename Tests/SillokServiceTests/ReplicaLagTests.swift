import SillokCore
import Testing

@testable import SillokService

@Suite("The lag of a replica")
struct ReplicaLagTests {
    private let start = ContinuousClock.now
    private func second(_ number: Double) -> ContinuousClock.Instant { start + .seconds(number) }

    @Test("it counts missing events, and the time since nothing was missing")
    func behind() {
        var comparisons = ReplicaComparisons()
        #expect(comparisons.lag(at: start) == ReplicaLag(events: nil, time: nil))
        comparisons.note(primary: 10, at: second(0), replica: 7)
        #expect(comparisons.lag(at: second(0)) == ReplicaLag(events: 3, time: nil))
        comparisons.note(primary: 20, at: second(1), replica: 10)
        // It has all that the primary had at second 0.
        #expect(comparisons.lag(at: second(1)) == ReplicaLag(events: 10, time: .seconds(1)))
        comparisons.note(primary: 20, at: second(2), replica: 19)
        #expect(comparisons.lag(at: second(2)) == ReplicaLag(events: 1, time: .seconds(2)))
        comparisons.note(primary: 20, at: second(3), replica: 20)
        #expect(comparisons.lag(at: second(3.5)) == ReplicaLag(events: 0, time: .zero))
    }

    @Test("without the primary, the number is not known, and the time grows")
    func alone() {
        var comparisons = ReplicaComparisons()
        comparisons.note(primary: 5, at: second(0), replica: 5)
        for number in 1...10 { comparisons.note(primary: nil, at: second(Double(number)), replica: 5) }
        #expect(comparisons.lag(at: second(10)) == ReplicaLag(events: nil, time: .seconds(10)))
    }

    @Test("a comparison that takes long leaves no old number")
    func late() {
        var comparisons = ReplicaComparisons()
        comparisons.note(primary: 5, at: second(0), replica: 5)
        #expect(comparisons.lag(at: second(3)).events == 0)
        #expect(comparisons.lag(at: second(8)) == ReplicaLag(events: nil, time: .seconds(8)))
    }

    @Test("a primary whose log has become shorter is compared from then on")
    func shorter() {
        var comparisons = ReplicaComparisons()
        comparisons.note(primary: 100, at: second(0), replica: 90)
        comparisons.note(primary: 95, at: second(1), replica: 90)
        comparisons.note(primary: 95, at: second(2), replica: 95)
        #expect(comparisons.lag(at: second(2)) == ReplicaLag(events: 0, time: .zero))
    }

    @Test("a replica that stands still for a day needs little memory, and its time stays right")
    func standingStill() {
        var comparisons = ReplicaComparisons()
        comparisons.note(primary: 1, at: second(0), replica: 1)
        let last = 86_400
        for number in 1...last {
            comparisons.note(primary: Position(UInt64(number + 1)), at: second(Double(number)), replica: 1)
        }
        #expect(
            comparisons.lag(at: second(Double(last))) == ReplicaLag(events: UInt64(last), time: .seconds(last)))
        #expect(comparisons.missing.count <= 1000)
        comparisons.note(primary: Position(UInt64(last + 1)), at: second(Double(last)), replica: 40_000)
        // At most the time between two kept comparisons too large.
        let time = comparisons.lag(at: second(Double(last))).time?.seconds ?? 0
        #expect(time >= Double(last - 40_000) && time < Double(last - 40_000 + 1000), "\(time)")
    }
}
