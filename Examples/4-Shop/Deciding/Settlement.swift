import Sillok

/// What the shop is owed for a day: what was charged, less what was given back, less the fee.
///
/// A charge and a refund are known by the reference of the payment, so that a provider may report one as often as it
/// likes.
struct Settlement: Decider {
    enum Command: Codable, Sendable {
        case open
        case recordCharge(payment: String, order: String, cents: Int)
        case recordRefund(payment: String, order: String, cents: Int)
        case applyFee(permille: Int)
        case close
    }

    enum Event: Codable, Equatable, Sendable {
        case settlementOpened
        case chargeRecorded(payment: String, order: String, cents: Int)
        case refundRecorded(payment: String, order: String, cents: Int)
        case feeApplied(cents: Int)
        case settlementClosed(payout: Int)
    }

    enum Refusal: Error, Equatable { case notOpen, alreadyOpened, notAnAmount, notAFee, feeIsDue }

    /// More than a day brings.
    static let maximumCents = 1_000_000_000_000_000

    private var isOpen = false
    private var isClosed = false
    private var charges: Set<String> = []
    private var refunds: Set<String> = []
    private var fee: Int?
    private(set) var balance = 0

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .open:
            if isOpen || isClosed { throw .alreadyOpened }
            return [.settlementOpened]
        case .recordCharge(let payment, _, _) where charges.contains(payment): return []
        case .recordRefund(let payment, _, _) where refunds.contains(payment): return []
        case _ where !isOpen: throw .notOpen
        case .recordCharge(let payment, let order, let cents):
            guard cents > 0, cents <= Self.maximumCents - max(0, balance) else { throw .notAnAmount }
            return [.chargeRecorded(payment: payment, order: order, cents: cents)]
        case .recordRefund(let payment, let order, let cents):
            guard cents > 0, cents <= Self.maximumCents + min(0, balance) else { throw .notAnAmount }
            return [.refundRecorded(payment: payment, order: order, cents: cents)]
        case .applyFee(let permille):
            guard fee == nil, (0...1000).contains(permille) else { throw .notAFee }
            return [.feeApplied(cents: max(0, balance) * permille / 1000)]
        case .close:
            guard fee != nil else { throw .feeIsDue }
            return [.settlementClosed(payout: balance)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .settlementOpened: isOpen = true
        case .chargeRecorded(let payment, _, let cents):
            charges.insert(payment)
            balance += cents
        case .refundRecorded(let payment, _, let cents):
            refunds.insert(payment)
            balance -= cents
        case .feeApplied(let cents):
            fee = cents
            balance -= cents
        case .settlementClosed: (isOpen, isClosed) = (false, true)
        }
    }
}
