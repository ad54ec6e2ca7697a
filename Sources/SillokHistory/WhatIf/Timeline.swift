public import Sillok
import SillokCore

/// A rule that changes over time, as data: each version holds from a moment until the next one.
///
/// ```swift
/// let fees = Timeline(20, (from: "2026-12-01", 15))
/// ```
/// A fold takes the rule that held when an event was recorded, so that a change of the rule never changes the past.
public struct Timeline<Rule: Sendable>: Sendable {
    /// A version of the rule, and from when on it holds.
    public struct Change: Sendable {
        /// Its first moment.
        public let from: Timestamp
        /// What holds from then on.
        public let rule: Rule

        /// A version of the rule.
        public init(from: Timestamp, rule: Rule) {
            self.from = from
            self.rule = rule
        }
    }

    /// What held before the first change.
    public let first: Rule

    /// The changes in the order of time.
    public let changes: [Change]

    /// A rule, and its changes in any order. Of two changes at the same moment the later one in the list holds.
    public init(_ first: Rule, _ changes: [Change]) {
        self.first = first
        self.changes = changes.enumerated().sorted { ($0.element.from, $0.offset) < ($1.element.from, $1.offset) }
            .map(\.element)
    }

    /// A rule, and its changes in any order.
    public init(_ first: Rule, _ changes: (from: Timestamp, Rule)...) {
        self.init(first, changes.map { Change(from: $0.from, rule: $0.1) })
    }

    /// Returns the rule that is valid at a time.
    public func rule(at time: Timestamp) -> Rule {
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].from <= time { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : changes[low - 1].rule
    }

    /// The rule that held when an event was recorded.
    public func rule<Payload>(for event: Recorded<Payload>) -> Rule { rule(at: event.recordedAt) }

    /// Returns this timeline with another rule from a moment on, in place of all later rules.
    public func changing(from: Timestamp, to rule: Rule) -> Timeline {
        Timeline(first, changes.filter { $0.from < from } + [Change(from: from, rule: rule)])
    }
}

extension Timeline.Change: Equatable where Rule: Equatable {}
extension Timeline.Change: Codable where Rule: Codable {}
extension Timeline: Equatable where Rule: Equatable {}
extension Timeline: Codable where Rule: Codable {}
