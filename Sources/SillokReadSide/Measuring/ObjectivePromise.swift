/// What an objective promises, read from its text.
///
/// The text is the name of an objective in reports and in the read model. A reader in another language shows the parts
/// in its own words.
package struct ObjectivePromise: Hashable, Sendable {
    /// What is measured. The raw values are in the HTTP API, so they never change.
    package enum Kind: String, CaseIterable, Sendable {
        case lag, lagEvents, appendTime, appendErrors, deadLetters, rebuild, steps, lateness, parked, unknownOutcomes
    }

    package let kind: Kind
    /// The limit: seconds for times, a share from 0 to 1 for append errors, or a number.
    package let limit: Double
    package let windowSeconds: Double

    /// Reads the text of an objective; `nil` for any other text, such as one of a later version.
    package init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard let over = words.lastIndex(of: "over"), words.count == over + 3, words[over + 2] == "seconds",
            let window = Double(words[over + 1]),
            let sign = words.firstIndex(where: { $0 == "<" || $0 == "<=" }), sign + 1 < over,
            let limit = Double(words[sign + 1])
        else { return nil }
        let unit = words[(sign + 2)..<over].joined(separator: " ")
        let kind: Kind? =
            switch (words[..<sign].joined(separator: " "), unit) {
            case ("lag p99", "seconds"): .lag
            case ("lag p99", "events"): .lagEvents
            case ("append p99", "seconds"): .appendTime
            case ("append errors", ""): .appendErrors
            case ("dead letters", ""): .deadLetters
            case ("rebuild", "seconds"): .rebuild
            case ("steps p99", "seconds"): .steps
            case ("deadline lateness p99", "seconds"): .lateness
            case ("parked instances", ""): .parked
            case ("unknown outcomes", ""): .unknownOutcomes
            default: nil
            }
        guard let kind else { return nil }
        (self.kind, self.limit, windowSeconds) = (kind, limit, window)
    }
}

extension ObjectiveReport {
    /// What the objective promises; `nil` if it is of a kind that this version does not know.
    package var promise: ObjectivePromise? { ObjectivePromise(objective) }

    /// The number of the last measurement, in the unit of the promise; for append errors the number of failed appends.
    /// `nil` if there is none, or if another version has written it.
    package var value: Double? {
        let first = measured.prefix { $0 != " " }
        return Double(first)
    }
}
