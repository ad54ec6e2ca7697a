import Foundation

/// The exercises of docs/learn/exercises.md: `Start` has where you begin, and `Solutions` has ours.
enum Exercises {
    /// Whether the tests of `Start` run: they fail until you have solved them.
    static let areOpen = ProcessInfo.processInfo.environment["SILLOK_EXERCISES"] == "1"
}

/// What is wrong with a name of an event.
enum FactNames {
    private static let participles: Set<String> = [
        "paid", "sent", "sold", "left", "lost", "given", "taken", "made", "begun", "bought", "put", "held", "kept",
        "found", "written", "withdrawn", "met", "built", "won", "drawn", "spent", "lent", "broken", "stolen",
        "done", "brought", "caught", "chosen", "seen", "shown",
    ]
    /// They end with "ed" and are not in the past tense.
    private static let present: Set<String> = ["need", "seed", "feed", "speed", "bed", "red"]
    /// They say that something is wanted, or nothing about what it was.
    private static let empty: Set<String> = ["requested", "changed", "updated", "modified", "processed", "handled"]

    /// Returns why the name is no fact; `nil` if it is one.
    static func mistake(in name: String) -> String? {
        let words = words(of: name)
        if let word = words.first(where: { empty.contains($0) }) { return "\(word) says nothing that has happened" }
        let isPast = words.contains { participles.contains($0) || $0.hasSuffix("ed") && !present.contains($0) }
        return isPast ? nil : "\(name) is not in the past tense"
    }

    /// The words of a name in camel case, in lower case.
    private static func words(of name: String) -> [String] {
        var words: [String] = []
        for letter in name {
            if letter.isUppercase || words.isEmpty { words.append("") }
            words[words.count - 1] += letter.lowercased()
        }
        return words
    }
}
