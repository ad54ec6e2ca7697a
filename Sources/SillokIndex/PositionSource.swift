package import SillokCore

/// A term that an index can look up: a stream, a category, a type or a tag.
package enum IndexTerm: Hashable, Sendable {
    case stream(StreamID)
    case category(StreamCategory)
    case type(EventType)
    case tag(EventTag)
}

/// The positions of the events of one ``IndexTerm``, as a store finds them.
package protocol PositionSource: AnyObject {
    /// Appends up to `limit` positions to `positions`, from `bound` on in a direction, without gaps.
    ///
    /// - Returns: the steps that finding the place took. The caller counts the positions.
    func read(
        from bound: Int64, _ direction: ReadRequest.Direction, limit: Int, into positions: inout [Int64]
    ) throws -> Int
}

/// An index that finds the positions of terms in one state of a log.
package protocol TermIndex: AnyObject {
    /// Returns the positions of a term, or `nil` if no event of the log has it.
    ///
    /// - Throws: `CancellationError` from the budget, or an error of the storage.
    func positions(of term: IndexTerm, _ budget: StepBudget) throws -> (any PositionSource)?

    /// Whether each position that the index returns has its term. Otherwise callers must compare the event, because
    /// different terms can share a key. The default is `true`.
    var isExact: Bool { get }
}

extension TermIndex {
    /// Returns `true`.
    package var isExact: Bool { true }
}
