/// The counts and the faults of an operational check.
public struct OperationalReport: Sendable, CustomStringConvertible {
    /// The id of the scenario and its actions.
    public let name: String

    /// What was counted, in the order to print it.
    public let counts: [(name: String, value: Int)]

    /// How long it took, in seconds.
    public let seconds: Double

    /// What is wrong, a sentence each: empty if every promise was kept.
    public let violations: [String]

    /// Whether every promise was kept.
    public var isClean: Bool { violations.isEmpty }

    /// One line with the counts, and one line for each of the first violations.
    public var description: String {
        let numbers = counts.map { "\($0.name) \($0.value)" }.joined(separator: " · ")
        let time = "\(Double(Int(seconds * 100)) / 100) s"
        let faults = violations.prefix(5).map { "\n  violated: \($0)" }.joined()
        return "\(name) · \(numbers) · violations \(violations.count) · \(time)\(faults)"
    }
}
