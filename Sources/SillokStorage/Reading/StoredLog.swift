package import SillokChain
package import SillokCore
package import SillokIndex
package import SillokThreads

/// The log of a store as one thread reads it. Pages, facts, verdicts and receipts of repeats are made from it, in the
/// same way for every store on a disk.
package protocol StoredLog: ConditionLog, SendableMetatype {
    /// The limits that the store enforces.
    var limits: Limits { get }
    /// Whether events are lost, so that the revisions of a stream may not follow one another.
    var hasGaps: Bool { get }
    /// Runs `body`, which sees one snapshot of the log.
    func reading<Result>(_ body: () throws -> Result) throws -> Result
    /// Returns the last position of the log, or 0 if it is empty.
    func head() throws -> Int64
    /// Returns the id of the event at a position that the log has.
    func id(at position: Position) throws -> EventID
    /// Returns when the event at a position was recorded, in microseconds since 1970.
    func recorded(at position: Int64) throws -> Int64
    /// Returns the event with an id, or `nil`.
    func event(_ id: EventID) throws -> RecordedEvent?
    /// The number of events that are read together.
    static var blockSize: Int { get }
    /// Calls `visit` with the events at positions, which rise or fall, until it returns `false`.
    func forEach(at positions: [Int64], _ visit: (StoredEvent) throws -> Bool) throws
    /// Returns the facts about a stream, or `nil`.
    func facts(of stream: StreamID) throws -> StreamFacts?
    /// Returns streams whose names are between two texts, excluding both; `nil`: up to the last name.
    func streams(after first: String, before last: String?, limit: Int) throws -> [StreamFacts]
    /// Returns how far a source was consumed, or `nil`.
    func tracked(_ source: TrackingSource) throws -> Tracking?
    /// Returns the links of the chain after a position, in order.
    func links(after position: Position, limit: Int) throws -> [ChainLink]
}

extension StoredLog {
    package var hasGaps: Bool { false }

    /// Throws unless the log has the event of a mark.
    package func check(_ mark: EventMark, _ head: Int64) throws {
        guard mark.position > .start else { return }
        let end = Position(UInt64(clamping: head))
        guard mark.position <= end else { throw StoreError.logEnds(at: end, before: mark) }
        guard let kept = mark.id else { return }
        let found = try id(at: mark.position)
        guard found == kept else { throw StoreError.otherEvent(found, at: mark) }
    }

    /// Returns the number of events for which `isLow` holds. It must hold for a first part of the log and not after it.
    package func count(upTo head: Int64, where isLow: (_ recorded: Int64) -> Bool) throws -> Int64 {
        var (low, high): (Int64, Int64) = (0, head)
        while low < high {
            let middle = low + (high - low + 1) / 2
            if isLow(try recorded(at: middle)) { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// Returns streams after a name, ordered by the bytes of their names.
    ///
    /// The names of a category are its own name and one range of the names, because they begin with it and a dash.
    package func streams(
        in category: StreamCategory?, after name: StreamID?, limit: Int
    ) throws -> [StreamFacts] {
        guard let category else { return try streams(after: name?.text ?? "", before: nil, limit: limit) }
        var found: [StreamFacts] = []
        let own = StreamID(category.text)
        if own.category == category, name.map({ $0 < own }) ?? true, let facts = try facts(of: own) {
            found.append(facts)
        }
        // A dot is the next byte after a dash.
        let first = StreamID("\(category.text)-")
        let start = name.map { max($0, first) } ?? first
        guard first.category == category, found.count < limit else { return found }
        if start == first, let facts = try facts(of: first), name.map({ $0 < first }) ?? true { found.append(facts) }
        if found.count == limit { return found }
        return try found
            + streams(after: start.text, before: "\(category.text).", limit: limit - found.count)
    }

    /// Judges a condition on a snapshot. `nil`: an event of the append is already stored; the writer has the answer.
    package func verdict(
        on condition: JudgedCondition, of request: AppendRequest, _ cancellation: Cancellation
    ) throws -> (verdict: ConditionJudge.Verdict, head: Position)? {
        try reading {
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

extension StoreError {
    /// Returns the error for an index entry of a stream that leads to another event than the next one.
    package static func damagedStream(_ stream: StreamID?, at position: Position) -> StoreError {
        StoreError(
            .corrupt,
            "the index of stream \(stream?.text ?? "") is damaged: the event at position \(position) is not the next "
                + "event of the stream. "
                + "Run `sillok verify`.")
    }

    /// Returns the error for a position of the log without an event.
    package static func missingEvent(_ position: Int64) -> StoreError {
        StoreError(.corrupt, "the event at position \(position) is missing from the store.")
    }
}
