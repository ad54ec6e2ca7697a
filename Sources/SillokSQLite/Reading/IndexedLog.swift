import SillokCore
import SillokIndex
import SillokSQLiteConnections
import SillokThreads

/// The log as seen by one connection, for plans and conditions.
extension EventReader: ConditionLog {
    func positions(of term: IndexTerm, _ budget: StepBudget) throws -> (any PositionSource)? {
        let before = names.lookups
        let number =
            switch term {
            case .stream(let stream): try names.number(.stream, stream.text)
            case .category(let category): try names.number(.category, category.text)
            case .type(let type): try names.number(.type, type.text)
            case .tag(let tag): try names.number(.tag, tag.text)
            }
        try budget.spend(1 + (names.lookups - before) * StepBudget.lookup)
        return number.map { IndexedPositions(IndexKey.name($0), index) }
    }

    func revision(of stream: StreamID, _ budget: StepBudget) throws -> Revision {
        try budget.spend(2 * StepBudget.lookup + StepBudget.event)
        guard let number = try names.number(.stream, stream.text), let last = try index.last(IndexKey.name(number))
        else { return .none }
        return try event(at: last).revision
    }

    func position(after revision: Revision, of stream: StreamID) throws -> Int64? {
        guard let number = try names.number(.stream, stream.text) else { return nil }
        let next = Int64(clamping: revision.value).addingSaturated(1)
        return try position(ofRevision: next, of: number)
    }

    /// Judges a condition on a snapshot. `nil`: an event of the append is already stored; the writer has the answer.
    func verdict(
        on condition: JudgedCondition, of request: AppendRequest, _ cancellation: Cancellation
    ) throws -> (verdict: ConditionJudge.Verdict, head: Position)? {
        try connection.reading {
            for entry in request.entries where try event(entry.event.id) != nil { return nil }
            let head = try head()
            // Appends and short reads have priority.
            let budget = StepBudget(steps: limits.conditionSteps) {
                yieldThread()
                return cancellation.isCancelled
            }
            let verdict = try ConditionJudge(self, head: head, limits: limits, budget).verdict(on: condition)
            return (verdict, Position(UInt64(head)))
        }
    }
}

/// The positions of one key of the index.
private final class IndexedPositions: PositionSource {
    private let key: Int64
    private let index: PositionIndex

    init(_ key: Int64, _ index: PositionIndex) {
        self.key = key
        self.index = index
    }

    func read(
        from bound: Int64, _ direction: ReadRequest.Direction, limit: Int, into positions: inout [Int64]
    ) throws -> Int {
        try index.read(key, from: bound, direction, limit: limit, into: &positions)
    }
}
