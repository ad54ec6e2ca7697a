public import SillokCore

/// The result of a rehearsal: how many instances would have wanted other steps, and the first such step of each.
public struct RehearsalReport: Hashable, Sendable {
    /// The first step of an instance that differs.
    public struct Difference: Hashable, Sendable {
        /// The key of the instance.
        public let key: String

        /// The position of the recorded input, or of the event that no instance has handled.
        public let position: Position

        /// When that was recorded.
        public let recordedAt: Timestamp

        /// The input, such as `orderConfirmed` or `accepted {"reserve":{"item":"lamp"}}`.
        public let input: String

        /// The step that was recorded; `nil` if there was no further step.
        public let recorded: String?

        /// The step that the rehearsed version wants, or what it does instead, such as `ignore the event`; `nil` if it
        /// wants no further step.
        public let wanted: String?
    }

    /// The log was read up to here.
    public internal(set) var through = Position.start

    /// The number of recorded instances that were compared.
    public internal(set) var instances = 0

    /// The number of differences: of instances with a step that differs, and of events in ``untaken``.
    public internal(set) var differing = 0

    /// The number of instances with a record that the rehearsed version cannot read. They are part of ``differing``.
    public internal(set) var unreadable = 0

    /// The number of events that the rehearsed version takes, and that no instance has handled. They are part of
    /// ``differing``. Events that the runner has not reached yet are among them.
    public internal(set) var untaken = 0

    /// The differences: first those of instances, in the order of their names, and then those of events.
    public internal(set) var differences: [Difference] = []

    /// Whether the rehearsed version wants the recorded steps of all instances, and no others.
    public var isSame: Bool { differing == 0 }
}

extension RehearsalReport: CustomStringConvertible {
    /// The numbers and the differences, as lines for people.
    public var description: String {
        var lines = [
            "\(instances) instances up to position \(through): \(differing) differ, of them \(unreadable) unreadable, "
                + "\(untaken) events not taken"
        ]
        for difference in differences {
            lines.append("  \(difference.key) at \(difference.position), after \(difference.input)")
            lines.append("    recorded: \(difference.recorded ?? "no further step")")
            lines.append("    wanted:   \(difference.wanted ?? "no further step")")
        }
        if differing > differences.count { lines.append("  … and \(differing - differences.count) more") }
        return lines.joined(separator: "\n")
    }
}
