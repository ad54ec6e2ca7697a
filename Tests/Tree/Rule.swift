/// A rule that the tree is held to.
protocol Rule: Sendable {
    /// The places that break the rule, also those that are known.
    func findings(_ tree: Tree) -> [Finding]
}

/// All rules, and the places that broke them when they came.
struct Rules: Sendable {
    static let all: [any Rule] = [
        Arrows(), Cycles(), Limits(), Words(), Documents(), Pages(), Products(), Code(), InlinableCode(), Collisions(),
    ]

    /// Where `today` is kept.
    static let path = "Tests/Tree/today.txt"

    /// For a rule and a place the amount that is let pass. It may only be lowered.
    let today: [Key: Int]

    struct Key: Hashable, Comparable, Sendable {
        let rule: String
        let place: String

        static func < (left: Key, right: Key) -> Bool { (left.rule, left.place) < (right.rule, right.place) }
    }

    /// Reads lines of a rule, an amount and a place.
    init(today text: String) {
        var today: [Key: Int] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let amount = Int(words[1]) else { continue }
            today[Key(rule: String(words[0]), place: String(words[2]))] = amount
        }
        self.today = today
    }

    init(_ tree: Tree) { self.init(today: tree.texts[Self.path] ?? "") }

    /// The places that break a rule and are not in `today`, or are larger than there.
    func newFindings(in tree: Tree, rules: [any Rule] = Rules.all) -> [Finding] {
        let found = rules.flatMap { $0.findings(tree) }
        let groups = Dictionary(grouping: found) { Key(rule: $0.rule, place: $0.place) }
        return groups.keys.sorted().flatMap { key -> [Finding] in
            let findings = groups[key] ?? []
            let amount = findings.reduce(0) { $0 + $1.amount }
            let allowed = today[key] ?? 0
            guard amount > allowed else { return [] }
            if allowed == 0 { return findings }
            let note = Finding(
                rule: key.rule, place: key.place, location: key.place,
                message: "\(amount) where \(Self.path) allows \(allowed) for \"\(key.rule)\"; bring it down again:")
            return [note] + findings
        }
    }

    /// The text of `today` for a tree: its present amounts.
    static func today(of tree: Tree) -> String {
        let found = all.flatMap { $0.findings(tree) }
        let groups = Dictionary(grouping: found) { Key(rule: $0.rule, place: $0.place) }
        let lines = groups.keys.sorted().map { key in
            "\(key.rule) \(groups[key, default: []].reduce(0) { $0 + $1.amount }) \(key.place)"
        }
        return """
            # Places that broke a rule when the rule came: rule, amount, place. An amount may only be lowered.
            # `scripts/tree --write` writes the present amounts; look at the difference before you commit it.

            """ + lines.joined(separator: "\n") + "\n"
    }
}
