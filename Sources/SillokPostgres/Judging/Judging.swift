#if Postgres
import SillokCore
import SillokIndex

/// The result of judging a condition against one state of the log.
struct Judgement {
    enum Finding {
        case holds
        /// The event at a position matches an item.
        case broken(JudgedCondition.Part, Position)
        /// The steps did not suffice for the item.
        case undecided(JudgedCondition.Part)
    }

    let finding: Finding
    /// The last event of the log that was judged.
    let head: EventMark
}

extension EventReader {
    /// Judges the queries of a condition against the current log, within `Limits.conditionSteps`.
    func judge(_ condition: JudgedCondition) throws -> Judgement {
        var parameters = Parameters()
        parameters.add(items: condition.parts.map(\.item.normalized))
        parameters.add(condition.parts.map { max($0.since, condition.heldThrough ?? 0) })
        parameters.add(Int64(limits.conditionSteps))
        let rows = try run(
            Query(
                """
                SELECT coalesce(h.position, 0), h.id, j.item, j.match FROM (SELECT max(e.position) AS position, (
                    SELECT l.id FROM \(schemaName).events l ORDER BY l.position DESC LIMIT 1) AS id
                    FROM \(schemaName).events e) h,
                LATERAL \(schemaName).judge($1, $2, $3, $4, $5, coalesce(h.position, 0), $6) j
                """, parameters))
        guard rows.count == 1 else { throw StoreError(.corrupt, "the log could not be searched.") }
        let head = Position(UInt64(clamping: try rows.int(0, 0)))
        let mark = EventMark(position: head, id: rows.isNull(0, 1) ? nil : rows.id(0, 1))
        let item = Int(try rows.int(0, 2)) - 1
        guard condition.parts.indices.contains(item) else { return Judgement(finding: .holds, head: mark) }
        let part = condition.parts[item]
        if rows.isNull(0, 3) { return Judgement(finding: .undecided(part), head: mark) }
        return Judgement(finding: .broken(part, Position(UInt64(clamping: try rows.int(0, 3)))), head: mark)
    }

    /// Judges the condition of an append up to the head of the log, so that the writer has to judge later events only.
    ///
    /// - Throws: `StoreError`: `tooExpensive`, or `storeChanged` if the condition depends on another history. If an
    ///   event of the append is already recorded, the ids decide.
    func judged(_ append: PreparedAppend) throws -> PreparedAppend {
        var judged = append
        if let refusal = try refusal(of: append.request) {
            _ = try refusal.get()
            judged.condition = JudgedCondition(.always)
            return judged
        }
        let judgement = try judge(append.condition)
        switch judgement.finding {
        case .holds:
            judged.condition.heldThrough = Int64(clamping: judgement.head.position.value)
            judged.mark = judgement.head
        case .broken(let part, let position):
            // The writer finds this event immediately, unless the append was made before.
            judged.narrow(to: part, before: position)
        case .undecided(let part):
            guard try events(append.request.entries.map(\.event.id)).allSatisfy({ $0 == nil }) else {
                judged.condition = JudgedCondition(.always)
                return judged
            }
            throw StoreError.tooExpensive(append.condition, part, limits: limits, head: judgement.head.position)
        }
        return judged
    }
}

extension EventReader {
    /// Returns the answer to an append whose condition has a mark that is not in the log; `nil` if the log has all
    /// marks. A repeated append gets its receipt under any condition.
    func refusal(of request: AppendRequest) throws -> Result<Receipt, any Error>? {
        let marks = request.condition.unchanged.map(\.seen).filter { $0.position > .start }
        if marks.isEmpty { return nil }
        for (mark, found) in zip(marks, try ids(at: marks.map(\.position)))
        where found == nil || found != mark.id ?? found {
            let error = try found.map { StoreError.otherEvent($0, at: mark) } ?? .logEnds(at: head(), before: mark)
            let known = try events(request.entries.map(\.event.id))
            return Result {
                guard let receipt = try request.firstReceipt(known: known) else { throw error }
                return receipt
            }
        }
        return nil
    }
}
#endif
