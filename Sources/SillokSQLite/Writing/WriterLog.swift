import SillokCore
import SillokIndex

/// The log including the events of the group that is being written.
extension Writer: ConditionLog {
    func positions(of term: IndexTerm, _ budget: StepBudget) throws -> (any PositionSource)? {
        try reader.positions(of: term, budget)
    }

    func revision(of stream: StreamID, _ budget: StepBudget) throws -> Revision {
        let before = reader.names.lookups
        guard let number = try reader.names.number(.stream, stream.text) else {
            try budget.spend(StepBudget.lookup)
            return .none
        }
        let isKnown = reader.names.lookups == before && remembers(number)
        try budget.spend(isKnown ? 1 : 2 * StepBudget.lookup + StepBudget.event)
        return Revision(UInt64(try revision(ofNumber: number)))
    }

    func position(after revision: Revision, of stream: StreamID) throws -> Int64? {
        try reader.position(after: revision, of: stream)
    }

    func event(at position: Int64) throws -> RecordedEvent { try reader.event(at: position) }
}
