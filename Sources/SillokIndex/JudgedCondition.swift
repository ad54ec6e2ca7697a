package import SillokCore

/// An append's condition, prepared for judging: each distinct query item once, and the position through which it is
/// known to hold.
package struct JudgedCondition: Sendable {
    /// An item of a query, and the last event that the caller has seen.
    package struct Part: Sendable {
        package let item: EventQuery.Item
        package let seen: EventMark

        package var since: Int64 { Int64(clamping: seen.position.value) }
    }

    /// The revisions that streams must have.
    package let revisions: [StreamID: Revision]
    /// The items that must match nothing new.
    package let parts: [Part]
    /// The condition is known to hold up to this position, so only later events are left. `nil`: not judged yet.
    package var heldThrough: Int64?
    private let seen: [EventMark]

    /// Prepares a condition. Two equal items become one with the lower position, because an event that breaks either of
    /// them breaks the condition.
    package init(_ condition: AppendCondition) {
        revisions = condition.revisions
        seen = condition.unchanged.map(\.seen)
        let all = condition.unchanged.flatMap { unchanged in
            unchanged.query.items.map { Part(item: $0, seen: unchanged.seen) }
        }
        guard all.count > 1 else {
            parts = all
            return
        }
        var distinct: [Part] = []
        var indices: [EventQuery.Item: Int] = [:]
        for part in all {
            let item = part.item.normalized
            if let index = indices[item] {
                let first = distinct[index].seen
                distinct[index] = Part(item: item, seen: part.seen.position < first.position ? part.seen : first)
            } else {
                indices[item] = distinct.count
                distinct.append(Part(item: item, seen: part.seen))
            }
        }
        parts = distinct
    }

    /// The marks that the condition depends on: the log must still have their events.
    package var marks: [EventMark] { Array(Set(seen.filter { $0.position > .start })) }

    /// The number of index terms to look up when the condition is judged.
    package var terms: Int {
        parts.reduce(revisions.count) { count, part in
            count + part.item.tags.count + part.item.types.count + (part.item.stream == nil ? 0 : 1)
                + (part.item.category == nil ? 0 : 1)
        }
    }
}

extension StoreError {
    /// The error of an append whose task was cancelled before its condition was judged.
    package static var cancelledJudging: StoreError {
        StoreError(
            .cancelled,
            "The append was rejected: its task was cancelled while its condition was judged. Nothing was stored.")
    }

    /// The error of an append whose condition was judged several times, each time too late.
    package static let outpaced = StoreError(
        .overloaded,
        "The append was rejected: others append faster than its condition can be judged. Nothing was stored. Retry "
            + "later, or use a condition with fewer query items.", retryAfter: .seconds(1))

    /// Returns the error of an append whose condition needs more steps than the limit.
    ///
    /// - Parameter part: the part that used most of them; `nil` means the expected revisions.
    package static func tooExpensive(
        _ condition: JudgedCondition, _ part: JudgedCondition.Part?, limits: Limits, head: Position
    ) -> StoreError {
        let limit = "The append was rejected: judging its condition takes more than \(limits.conditionSteps) steps."
        guard let part else {
            return StoreError(
                .tooExpensive,
                "\(limit) It expects the revisions of \(condition.revisions.count) streams. Nothing was stored. "
                    + "Expect the revisions of fewer streams.")
        }
        return StoreError(
            .tooExpensive,
            "\(limit) The most expensive query item is \(part.item.summary), unchanged since position \(part.since); "
                + "the head is \(head). Nothing was stored. Add a stream, a rarer tag or a type to the item, or read "
                + "again and use a position closer to the head.")
    }
}

extension EventQuery.Item {
    /// A short form of the item for messages.
    package var summary: String {
        func list(_ kind: String, _ names: [String], _ joint: String) -> String? {
            if names.isEmpty { return nil }
            let rest = names.count > 3 ? " and \(names.count - 3) more" : ""
            return "\(kind)\(names.count > 1 ? "s" : "") \(names.prefix(3).joined(separator: " \(joint) "))\(rest)"
        }
        let parts = [
            stream.map { "stream \($0)" }, category.map { "category \($0)" },
            list("type", types.map(\.text), "or"), list("tag", tags.map(\.text), "and"),
        ].compactMap(\.self)
        return parts.isEmpty ? "every event" : "(\(parts.joined(separator: ", ")))"
    }
}
