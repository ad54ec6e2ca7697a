import Foundation

/// The result of a run as text, and the table of all rounds of several runs.
struct Report {
    let history: History
    let findings: [Finding]
    let figures: [RoundCheck.Figures]
    let ages: [(read: SeenHead, age: Int64)]

    init(_ history: History) {
        self.history = history
        let rounds = RoundCheck(history)
        figures = rounds.figures()
        ages = rounds.ages
        findings =
            LogCheck(history).run() + PrimaryCheck.run(history) + ReaderCheck(history: history).run()
            + rounds.findings()
    }

    /// A line for each round, which ``Summary`` reads.
    func lines(seed: String) -> [String] {
        figures.map { figures in
            let numbers = [figures.pause, figures.worstPause, figures.readPause, figures.afterHealing]
                .map { String(format: "%.1f", $0) }.joined(separator: " ")
            return "round \(seed) \(figures.round.number) \(figures.round.fault) \(figures.round.host) \(numbers) "
                + "\(figures.appends) \(figures.isValid ? "valid" : "invalid")"
        }
    }

    func text() -> String {
        let appended = history.appends.filter { $0.verb == "appended" }
        let kinds = Dictionary(grouping: findings, by: \.kind).mapValues(\.count)
        let listed = Dictionary(grouping: findings, by: \.kind).values.flatMap { $0.prefix(10) }.map(\.description)
        let invalid = figures.filter { !$0.isValid }.count
        let sights = history.sights.values.reduce(0) { $0 + $1.count }
        return
            (listed.sorted() + [
                "\(appended.count) appends acknowledged, "
                    + "\(appended.filter(\.isUnknown).count) after an unknown outcome, "
                    + "\(history.appends.count - appended.count) refused; \(history.log.count) events in the log",
                "\(appended.filter { $0.basis != "-" }.count) conditions accepted and judged event by event; "
                    + "\(sights) sights of \(history.sights.count) subscribers; "
                    + "\(history.heads.count) reads of the head",
                "\(history.effects.count) effects of \(Set(history.effects.map(\.order)).count) orders; "
                    + "\(history.model.count) read models compared with the fold",
                "oldest read: through the proxy \(oldest { $0.hasPrefix("app") }) s, "
                    + "of a host \(oldest { $0.hasPrefix("db") }) s; "
                    + "\(history.troubles.count) troubles of projectors and processes; "
                    + "\(ReaderCheck(history: history).takenBack) events taken back by a replica, its reader told",
                "\(figures.count) rounds, \(invalid) of them invalid, as etcd's term changed without a fault",
                Summary(figures: figures).text,
                findings.isEmpty ? "0 violations" : "violations: \(kinds.map { "\($1) \($0.rawValue)" }.sorted())",
            ]).joined(separator: "\n")
    }

    private func oldest(_ isOf: (String) -> Bool) -> String {
        String(format: "%.1f", Double(ages.filter { isOf($0.read.place) }.map(\.age).max() ?? 0) / 1e6)
    }
}

/// The table of faults: how many rounds, and the times without appends and without fresh reads.
struct Summary {
    struct Line {
        let fault: String
        let pause: Double
        let worstPause: Double
        let readPause: Double
    }

    let lines: [Line]

    init(figures: [RoundCheck.Figures]) {
        lines = figures.filter(\.isValid).map {
            Line(
                fault: $0.round.fault, pause: $0.pause, worstPause: $0.worstPause, readPause: $0.readPause)
        }
    }

    /// - Parameter text: lines of ``Report/lines(seed:)``.
    init(text: String) {
        lines = text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 11, words[10] == "valid" else { return nil }
            return Line(
                fault: words[3], pause: Double(words[5]) ?? 0, worstPause: Double(words[6]) ?? 0,
                readPause: Double(words[7]) ?? 0)
        }
    }

    var text: String {
        let rows = Dictionary(grouping: lines, by: \.fault).sorted { $0.key < $1.key }.map { fault, lines in
            "| \(fault) | \(lines.count) | \(Self.both(lines.map(\.pause))) | \(Self.both(lines.map(\.worstPause))) | "
                + "\(Self.both(lines.map(\.readPause))) |"
        }
        return
            ([
                "| fault | rounds | s without appends: p50, worst | of the worst application | s without fresh reads |",
                "|---|---|---|---|---|",
            ] + rows).joined(separator: "\n")
    }

    /// The median and the largest value.
    static func both(_ values: [Double]) -> String {
        let sorted = values.sorted()
        guard let worst = sorted.last else { return "-" }
        return String(format: "%.1f, %.1f", sorted[(sorted.count - 1) / 2], worst)
    }
}
