import Sillok
import SillokHistory
import SillokTesting
import Testing

@testable import Shop

@Suite struct FeeTests {
    private let clock = ManualClock()
    private let store: MemoryEventStore

    init() { store = MemoryEventStore(clock: clock.wallClock) }

    /// Three days with one charge each; on the third the fee of the days before is taken by mistake.
    private func fill() async throws {
        let settlements = CommandHandler<Settlement>("settlement", in: store).recordingCommands()
        for (day, cents) in [("2026-11-23", 100_00), ("2026-11-24", 50_00), ("2026-11-25", 200_00)] {
            clock.now = Timestamp(day + "T12:00:00Z") ?? clock.now
            try await settlements.execute(.open, on: day)
            try await settlements.execute(.recordCharge(payment: "p", order: "1", cents: cents), on: day)
            try await settlements.execute([(day, .applyFee(permille: 20)), (day, .close)])
        }
    }

    @Test func `the day on which another fee was taken than its rule says is found`() async throws {
        try await fill()
        let report = try await FeeReview(past: store.past()).mistakes()
        #expect(report.differences.map(\.key) == ["settlement-2026-11-25"])
        #expect(report.differences.first?.changes.map(\.description) == ["fee: 400 → 300", "payout: 19600 → 19700"])
        #expect(report.totals.first { $0.path == "fee" }?.difference == .integer(-1_00))
    }

    @Test func `a proposal lists the money that differs, day by day and in sum`() async throws {
        try await fill()
        let report = try await FeeReview(past: store.past()).proposal()
        #expect(report.differences.map(\.key) == ["settlement-2026-11-25"])
        #expect(report.differences.first?.changes.first?.description == "fee: 300 → 200")
        // A day of 50.00 pays its minimum of 1.00, as one of two percent does.
        #expect(report.totals.map(\.difference) == [.integer(0), .integer(-1_00), .integer(1_00)])
        let first = try await FeeReview(past: store.past(at: "2026-11-24T00:00:00Z")).proposal()
        #expect(first.keys == 1 && first.isSame)
    }

    @Test func `a shop with a stricter decider would have refused commands that it took`() async throws {
        try await fill()
        let report = try await store.past().compare(
            deciders: Settlement.self, with: Settlement.self, over: .category("settlement"), course: .decided)
        #expect(report.isSame && report.commands?.decided == 12)
    }
}
