/// Measures each round, and compares it with the bounds.
struct RoundCheck {
    /// The figures of a round, in seconds.
    struct Figures: Sendable {
        let round: Round
        /// The longest time without an acknowledgement, of all applications together and of the worst one.
        var pause = 0.0
        var worstPause = 0.0
        /// The longest time without a fresh read of the worst application.
        var readPause = 0.0
        /// From the healing to the end of the last pause of more than 3 s.
        var afterHealing = 0.0
        var appends = 0
        var isValid = true
    }

    /// Bounds in seconds: from the fault, or from the healing for faults that end only then.
    enum Bound { case fault(Double), healing(Double) }

    let history: History
    let ages: [(read: SeenHead, age: Int64)]

    init(_ history: History) {
        self.history = history
        ages = ReaderCheck(history: history).ages()
    }

    /// `ttl` is 20 s, an election takes up to 5 s. Starting a host again takes up to 10 s.
    static func bound(of fault: String) -> Bound {
        switch fault {
        case "crash", "switchover", "pooler": .fault(10)
        case "kill-with-leader", "cut", "one-way", "cut-crash", "rolling", "freeze-switchover": .fault(35)
        case "application", "full": .healing(10)
        case "leader-kill": .healing(45)
        case "cold": .fault(60)
        default: .fault(30)
        }
    }

    /// Faults after which etcd may elect a leader: those that stop or cut off its leader, or a member that then asks
    /// for an election.
    static let electing: Set<String> = [
        "silent", "kill-with-leader", "leader", "freeze", "partition", "cut", "one-way", "rolling", "cold", "cut-crash",
        "leader-kill", "freeze-switchover",
    ]

    func figures() -> [Figures] { history.rounds.filter(\.isWhole).map(figures) }

    private func figures(of round: Round) -> Figures {
        var figures = Figures(round: round)
        let span = round.begun...round.calm
        let appends = history.appends.filter { $0.verb == "appended" && $0.answered >= round.begun - 5_000_000 }
        let names = ["app1", "app2"]
        let times = names.map { name in
            appends.filter { $0.place == name }.map(\.answered).sorted()
        }
        figures.appends = appends.filter { span.contains($0.answered) }.count
        figures.pause = Self.longest(times.flatMap { $0 }.sorted(), span).seconds
        let gaps = times.map { Self.longest($0, span) }
        figures.worstPause = gaps.map(\.seconds).max() ?? 0
        let ends = times.flatMap { Self.ends($0, span) }
        figures.afterHealing = max(0, Double((ends.max() ?? 0) - round.healing) / 1e6)
        figures.readPause =
            names.map { name in
                let fresh = ages.filter { $0.read.place == name && $0.age == 0 }.map(\.read.answered).sorted()
                return Self.longest(fresh, span).seconds
            }.max() ?? 0
        let isPooler = round.fault == "pooler"
        if isPooler {
            let pooled = names.map { name in
                appends.filter { $0.place == "\(name)/pooler" }.map(\.answered).sorted()
            }
            figures.worstPause = pooled.map { Self.longest($0, span).seconds }.max() ?? 0
        }
        figures.isValid =
            round.term == round.termAfter || Self.electing.contains(round.fault) || round.fault.hasPrefix("control-")
        return figures
    }

    /// The longest time between two of the times, where one of both is in the span.
    static func longest(_ times: [Int64], _ span: ClosedRange<Int64>) -> (seconds: Double, end: Int64) {
        var (worst, end): (Int64, Int64) = (0, span.lowerBound)
        let before = times.last { $0 < span.lowerBound } ?? span.lowerBound
        var last = before
        for time in times where time >= span.lowerBound {
            if time - last > worst { (worst, end) = (time - last, time) }
            last = time
            if time > span.upperBound { break }
        }
        if last < span.upperBound, span.upperBound - last > worst { (worst, end) = (span.upperBound - last, .max / 2) }
        return (Double(worst) / 1e6, end)
    }

    /// The ends of the pauses of more than 3 s.
    private static func ends(_ times: [Int64], _ span: ClosedRange<Int64>) -> [Int64] {
        zip(times, times.dropFirst()).filter { $1 - $0 > 3_000_000 && span.contains($1) }.map(\.1)
    }

    func findings() -> [Finding] {
        figures().filter(\.isValid).flatMap { figures -> [Finding] in
            let round = figures.round
            let name = "round \(round.number), \(round.fault) on \(round.host)"
            var findings: [Finding] = []
            switch Self.bound(of: round.fault) {
            case .fault(let bound) where figures.worstPause > bound:
                findings.append(
                    Finding(.recovery, "\(name): \(figures.worstPause) s without appends, bound \(bound) s"))
            case .healing(let bound) where figures.afterHealing > bound:
                findings.append(
                    Finding(.recovery, "\(name): \(figures.afterHealing) s after the healing, bound \(bound) s"))
            default: break
            }
            if ["leader", "standby"].contains(round.fault), round.timeline != round.timelineAfter {
                findings.append(Finding(.demoted, "\(name): timeline \(round.timeline) became \(round.timelineAfter)"))
            }
            return findings
        }
    }
}
