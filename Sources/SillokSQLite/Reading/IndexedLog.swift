import SillokCore
import SillokIndex
import SillokSQLiteConnections
import SillokStorage

/// The log as seen by one connection, for plans and conditions.
extension EventReader: StoredLog {
    func reading<Result>(_ body: () throws -> Result) throws -> Result { try connection.reading(body) }

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
