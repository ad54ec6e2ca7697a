#if Postgres
import SillokCore

/// The condition of an append, prepared for judging: each distinct query item once, and the position through which it
/// is known to hold.
struct JudgedCondition: Sendable {
    /// An item of a query, and the position up to which the caller has seen its events.
    struct Part: Sendable {
        let item: EventQuery.Item
        let seen: EventMark

        var since: Int64 { Int64(clamping: seen.position.value) }
    }

    /// The revisions that streams must have.
    let revisions: [StreamID: Revision]
    /// The items that must match no new event.
    let parts: [Part]
    /// The condition is known to hold up to this position. `nil`: it was not judged yet.
    var heldThrough: Int64?

    /// The marks that the condition depends on. The server compares the ids of the events there.
    let marks: [EventMark]

    /// Prepares a condition. Two equal items become one with the lower position, because an event that breaks either of
    /// them breaks the condition.
    init(_ condition: AppendCondition) {
        revisions = condition.revisions
        var distinct: [Part] = []
        var indices: [EventQuery.Item: Int] = [:]
        for unchanged in condition.unchanged {
            for item in unchanged.query.items.map(\.tidy) {
                if let index = indices[item] {
                    if unchanged.since < distinct[index].seen.position {
                        distinct[index] = Part(item: item, seen: unchanged.seen)
                    }
                } else {
                    indices[item] = distinct.count
                    distinct.append(Part(item: item, seen: unchanged.seen))
                }
            }
        }
        parts = distinct
        marks = Array(Set(condition.unchanged.map(\.seen).filter { $0.position > .start }))
    }
}

extension StoreError {
    /// Returns the error of an append whose condition needs more steps than the limit.
    ///
    /// - Parameter part: the item that needed too many; `nil` means the expected revisions.
    static func tooExpensive(
        _ condition: JudgedCondition, _ part: JudgedCondition.Part?, limits: Limits, head: Position
    ) -> StoreError {
        let limit = "The append was rejected: its condition takes more than \(limits.conditionSteps) steps."
        guard let part else {
            return StoreError(
                .tooExpensive,
                "\(limit) It expects the revisions of \(condition.revisions.count) streams. Nothing was stored. "
                    + "Expect the revisions of fewer streams.")
        }
        return StoreError(
            .tooExpensive,
            "\(limit) The query item is \(part.item.summary), unchanged since position \(part.since); the head is "
                + "\(head). Nothing was stored. Add a stream, a rarer tag or a type to the item, or read again and "
                + "use a position closer to the head.")
    }
}

extension EventQuery.Item {
    /// A short form of the item for messages.
    fileprivate var summary: String {
        let names =
            [stream.map { "stream \($0)" }, category.map { "category \($0)" }].compactMap(\.self)
            + types.prefix(3).map { "type \($0)" } + tags.prefix(3).map { "tag \($0)" }
        let rest = max(0, types.count - 3) + max(0, tags.count - 3)
        return "(\(names.joined(separator: ", "))\(rest > 0 ? " and \(rest) more" : ""))"
    }
}
#endif
