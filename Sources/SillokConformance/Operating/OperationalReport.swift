/// The counts and the faults of an operational check.
public struct OperationalReport: Sendable, CustomStringConvertible {
    /// The id and a short description of the scenario.
    public let name: String

    /// The counts, in the order in which they are printed.
    public let counts: [(name: String, value: Int)]

    /// The duration of the scenario in seconds.
    public let seconds: Double

    /// The violations, each in a sentence; empty if there is none.
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
