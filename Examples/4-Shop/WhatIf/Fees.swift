import Sillok
import SillokHistory

/// What the shop pays for taking money: a number of thousandths of a day's takings, and no less than a minimum.
struct FeeRule: Equatable, Codable {
    var permille: Int
    var minimumCents = 0

    func fee(on takings: Int) -> Int {
        takings <= 0 ? 0 : min(takings, max(minimumCents, takings * permille / 1000))
    }
}

/// The fee of each day: as it was taken, or as a rule says. The log is the same; only the rule differs.
struct Fees: Fold {
    typealias Event = Settlement.Event

    struct State: Sendable { var takings = 0, fee = 0, payout = 0 }

    /// The rule of each time; `nil`: the fee that was taken.
    let rules: Timeline<FeeRule>?
    let initial = State()

    func evolve(_ state: inout State, _ event: Recorded<Settlement.Event>) {
        switch event.payload {
        case .settlementOpened, .settlementClosed: break
        case .chargeRecorded(_, _, let cents): state.takings += cents
        case .refundRecorded(_, _, let cents): state.takings -= cents
        case .feeApplied(let cents): state.fee = rules?.rule(for: event).fee(on: state.takings) ?? cents
        }
        state.payout = state.takings - state.fee
    }
}

/// Fees recomputed: by the rules that held on each day, and by one that is proposed.
struct FeeReview {
    /// The rules as they were agreed: two percent, and from the third day on one and a half.
    static let held = Timeline(FeeRule(permille: 20), (from: "2026-11-25", FeeRule(permille: 15)))

    /// What is proposed from the second day on: one percent, but no less than a euro a day.
    static let proposed = held.changing(from: "2026-11-24", to: FeeRule(permille: 10, minimumCents: 1_00))

    let past: Past

    /// Where another fee was taken than the rules of the day say.
    func mistakes() async throws -> WhatIfReport {
        try await past.compare(Fees(rules: nil), with: Fees(rules: Self.held), over: .category("settlement"))
    }

    /// What the proposed rules would have changed.
    func proposal(_ rules: Timeline<FeeRule> = Self.proposed) async throws -> WhatIfReport {
        try await past.compare(Fees(rules: Self.held), with: Fees(rules: rules), over: .category("settlement"))
    }
}
