public import Sillok
import SillokCore
package import SillokJSON

/// The differences between the recorded history and a what-if.
public struct WhatIfReport: Sendable {
    /// A key whose two states differ.
    public struct Difference: Hashable, Sendable {
        /// The stream, or another key of the comparison.
        public let key: String
        /// The paths that differ: ``StateChange/before`` is the recorded history, ``StateChange/after`` is the what-if.
        public let changes: [StateChange]
    }

    /// The sum of one number of the states, over all keys.
    public struct Total: Hashable, Sendable {
        /// The path of the number in a state.
        public let path: String
        /// The sum in the recorded history.
        public let was: StateTree.Value
        /// The sum in the what-if.
        public let would: StateTree.Value
        /// The number of keys in which the number differs.
        public let keys: Int

        /// The difference of the sums: `would` minus `was`.
        public var difference: StateTree.Value {
            if case .integer(let was) = was, case .integer(let would) = would {
                let (difference, overflow) = would.subtractingReportingOverflow(was)
                if !overflow { return .integer(difference) }
            }
            return .real((would.number ?? 0) - (was.number ?? 0))
        }
    }

    /// The recorded commands that were decided again.
    public struct Commands: Hashable, Sendable {
        /// The result of a command that is decided again.
        public enum Ending: Hashable, Sendable {
            /// It would be refused, with this refusal.
            case refused(String)
            /// It would lead to other events: `was` has the recorded events, `would` the new ones.
            case otherEvents(was: [String], would: [String])
            /// It would be accepted now; before, it was refused with this refusal.
            case accepted(String)
        }

        /// A command that would have another result.
        public struct Change: Hashable, Sendable {
            /// The stream, or the key.
            public let key: String
            /// The position of its first event; `nil` for a command that was only tried.
            public let position: Position?
            /// The command as it was recorded, as JSON.
            public let command: String
            /// The new result.
            public let ending: Ending
        }

        /// The number of commands that were decided again.
        public internal(set) var decided = 0
        /// The number of commands that would be refused but were accepted.
        public internal(set) var refused = 0
        /// The number of commands that would be accepted but were refused.
        public internal(set) var accepted = 0
        /// The number of commands that would lead to other events.
        public internal(set) var otherEvents = 0
        /// The number of commands that could not be read, because their type has changed.
        public internal(set) var unreadable = 0
        /// The commands with another outcome, up to the requested number.
        public internal(set) var changes: [Change] = []
    }

    /// The number of events that were folded.
    public internal(set) var events: UInt64 = 0
    /// The last position that was searched.
    public internal(set) var through = Position.start
    /// The number of keys.
    public internal(set) var keys = 0
    /// The number of keys that differ.
    public internal(set) var differing = 0
    /// The keys that differ, in the order of their names, up to the requested number.
    public internal(set) var differences: [Difference] = []
    /// The sums of the numbers that have the same path in the states.
    public internal(set) var totals: [Total] = []
    /// Recorded commands, if deciders were compared.
    public internal(set) var commands: Commands?

    /// Whether nothing differs.
    public var isSame: Bool {
        guard differing == 0 else { return false }
        guard let commands else { return true }
        return commands.refused == 0 && commands.accepted == 0 && commands.otherEvents == 0
    }
}

// As text.
extension WhatIfReport: CustomStringConvertible {
    /// The report in lines, for a terminal.
    public var description: String {
        var lines = ["\(events) events of \(keys) keys up to position \(through): \(differing) differ"]
        for difference in differences {
            lines.append("  \(difference.key)")
            lines += difference.changes.map { "    \($0)" }
        }
        if differences.count < differing { lines.append("  … and \(differing - differences.count) more") }
        let changed = totals.filter { $0.was != $0.would }
        if !changed.isEmpty { lines.append("totals") }
        for total in changed {
            lines.append(
                "  \(total.path): \(total.was) → \(total.would) (\(Self.signed(total.difference)), \(total.keys) keys)")
        }
        if let commands { lines += commands.lines }
        return lines.joined(separator: "\n")
    }

    private static func signed(_ value: StateTree.Value) -> String {
        (value.number ?? 0) > 0 ? "+\(value)" : "\(value)"
    }

    /// The report as one JSON object.
    public var json: String {
        var json = JSONWriter()
        json.beginObject()
        json.member("events") { $0.integer(events) }
        json.member("through") { $0.integer(through.value) }
        json.member("keys") { $0.integer(keys) }
        json.member("differing") { $0.integer(differing) }
        json.member("differences") { json in
            json.array(differences) { json, difference in
                json.member("key") { $0.string(difference.key) }
                json.member("changes") { $0.array(difference.changes) { $0.members(of: $1) } }
            }
        }
        json.member("totals") { json in
            json.array(totals) { json, total in
                json.member("path") { $0.string(total.path) }
                json.member("was") { $0.write(total.was) }
                json.member("would") { $0.write(total.would) }
                json.member("difference") { $0.write(total.difference) }
                json.member("keys") { $0.integer(total.keys) }
            }
        }
        if let commands { json.member("commands") { commands.write(to: &$0) } }
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

extension WhatIfReport.Commands {
    fileprivate var lines: [String] {
        var lines = [
            "\(decided) commands decided again: \(refused) would now be refused, \(accepted) would now be accepted, "
                + "\(otherEvents) would lead to other events"
        ]
        if unreadable > 0 { lines.append("  \(unreadable) could not be read") }
        for change in changes {
            let place = change.position.map { " at \($0)" } ?? ""
            let ending =
                switch change.ending {
                case .refused(let refusal): "refused: \(refusal)"
                case .accepted(let refusal): "accepted, it was refused: \(refusal)"
                case .otherEvents(let was, let would):
                    "\(was.joined(separator: ", ")) → \(would.isEmpty ? "nothing" : would.joined(separator: ", "))"
                }
            lines.append("  \(change.key)\(place) \(change.command) \(ending)")
        }
        return lines
    }

    fileprivate func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("decided") { $0.integer(decided) }
        json.member("refused") { $0.integer(refused) }
        json.member("accepted") { $0.integer(accepted) }
        json.member("otherEvents") { $0.integer(otherEvents) }
        json.member("unreadable") { $0.integer(unreadable) }
        json.member("changes") { json in
            json.array(changes) { json, change in
                json.member("key") { $0.string(change.key) }
                if let position = change.position { json.member("position") { $0.integer(position.value) } }
                json.member("command") { $0.string(change.command) }
                switch change.ending {
                case .refused(let refusal): json.member("refused") { $0.string(refusal) }
                case .accepted(let refusal): json.member("accepted") { $0.string(refusal) }
                case .otherEvents(let was, let would):
                    json.member("was") { $0.strings(was) }
                    json.member("would") { $0.strings(would) }
                }
            }
        }
        json.endObject()
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: String, _ value: (inout JSONWriter) -> Void) {
        key(name)
        value(&self)
    }

    /// An array of objects.
    fileprivate mutating func array<Element>(_ elements: [Element], _ members: (inout JSONWriter, Element) -> Void) {
        beginArray()
        for element in elements {
            beginObject()
            members(&self, element)
            endObject()
        }
        endArray()
    }

    fileprivate mutating func strings(_ texts: [String]) {
        beginArray()
        for text in texts { string(text) }
        endArray()
    }

    /// Writes a value of a state; a number that is not finite as text.
    package mutating func write(_ value: StateTree.Value) {
        switch value {
        case .integer(let number): integer(number)
        case .real(let number): if !floatingPoint(number) { string("\(number)") }
        case .text(let text): string(text)
        case .nothing: null()
        case .present: bool(true)
        }
    }

    /// Writes the members of a change.
    fileprivate mutating func members(of change: StateChange) {
        member("path") { $0.string(change.path) }
        if let before = change.before { member("before") { $0.write(before) } }
        if let after = change.after { member("after") { $0.write(after) } }
    }
}
