import Sillok
import SillokSnapshots

/// The loyalty points of a customer, who earns some each day for years.
struct Points: SnapshottedDecider {
    /// Raised with every change of `evolve`, and of the properties.
    static let foldVersion = 1

    enum Command: Sendable {
        case earn(Int)
        case redeem(Int)
    }
    enum Event: Codable, Equatable, Sendable {
        case earned(points: Int)
        case redeemed(points: Int)
    }
    enum Refusal: Error, Equatable { case notPositive, tooFew(points: Int) }

    private(set) var points = 0

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .earn(let points):
            if points <= 0 { throw .notPositive }
            return [.earned(points: points)]
        case .redeem(let points):
            if points <= 0 { throw .notPositive }
            if points > self.points { throw .tooFew(points: self.points) }
            return [.redeemed(points: points)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .earned(let points): self.points += points
        case .redeemed(let points): self.points -= points
        }
    }
}
