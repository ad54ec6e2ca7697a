package import SillokSQL

/// A request to the thread that writes the read model of a store, which is the thread that appends.
package enum ModelRequest: Sendable {
    /// Creates the missing tables of the read model.
    case install
    /// Changes rows of the read model.
    case change(ReadModelWrite)
    /// Projects a page for a rule that is being attached to appends.
    case attach(InlineRule)

    /// The request's share of a group.
    package var weight: Int {
        switch self {
        case .install: 1
        case .change(let write): 1 + write.changes.count
        case .attach: 1000
        }
    }

    /// Whether the request must survive a power cut after it has returned.
    package var isDurable: Bool { if case .change(let write) = self { write.isDurable } else { false } }
}
