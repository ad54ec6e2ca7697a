public import Sillok
import SillokCore

/// A rule that changes over time, as data: each version is valid from a moment until the next version begins.
///
/// ```swift
/// let fees = Timeline(20, (from: "2026-12-01", 15))
/// ```
/// A fold takes the rule that held when an event was recorded, so that a change of the rule never changes the past.
public struct Timeline<Rule: Sendable>: Sendable {
    /// A version of the rule, and the moment from which it is valid.
    public struct Change: Sendable {
        /// The moment from which the rule is valid.
        public let from: Timestamp
        /// The rule that is valid from then on.
        public let rule: Rule

        /// Creates a version of the rule.
        public init(from: Timestamp, rule: Rule) {
            self.from = from
            self.rule = rule
        }
    }

    /// The rule before the first change.
    public let first: Rule

    /// The changes in the order of time.
    public let changes: [Change]

    /// Creates a timeline from a rule and its changes in any order. Of two changes at the same moment, the later one in
    /// the list is used.
    public init(_ first: Rule, _ changes: [Change]) {
        self.first = first
        self.changes = changes.enumerated().sorted { ($0.element.from, $0.offset) < ($1.element.from, $1.offset) }
            .map(\.element)
    }

    /// Creates a timeline from a rule and its changes in any order.
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

    /// Returns the rule that was valid when an event was recorded.
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
