/// A broken promise.
struct Finding: Hashable, CustomStringConvertible {
    enum Kind: String {
        /// An acknowledged event is not in the log.
        case lost
        /// An event, or what a writer wanted to append once, is there twice.
        case doubled
        /// An event is not where its receipt says.
        case moved
        /// Positions or revisions have a hole, or a subscriber passed over an event.
        case gap
        /// An append that was sent after another was acknowledged is before it.
        case order
        /// An accepted condition does not hold in the log.
        case condition
        /// An append was refused although it is stored, or although its condition held.
        case refusal
        /// An append is not settled at the end.
        case open
        /// Two servers acknowledged at the same time.
        case primaries
        /// An event that a subscriber saw is absent, or another one is at its position.
        case seen
        /// The subscriber did not notice it.
        case unnoticed
        /// A read was too old.
        case stale
        /// A recorded time is earlier than the one before.
        case time
        /// A read model is not equal to the fold.
        case model
        /// The effect of an order was called under two keys, or the order was not handled.
        case effect
        /// The time without appends is above the bound.
        case recovery
        /// The primary was demoted by a fault that must not do that.
        case demoted
        /// An application process was started again.
        case restarted
    }

    let kind: Kind
    let text: String

    init(_ kind: Kind, _ text: String) { (self.kind, self.text) = (kind, text) }

    var description: String { "VIOLATION \(kind.rawValue): \(text)" }
}
