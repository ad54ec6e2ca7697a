import Foundation

/// Requests that are made to hurt others, each next to a control in the same run.
///
/// `Benchmarks hostile a c` runs only the cases of these letters.
func hostile(_ plan: Plan) async throws {
    let cases: [(letter: String, run: (Plan, inout Verdicts) async throws -> Void)] = [
        ("a", expensiveConditions), ("b", idleSubscribers), ("c", heldSnapshot), ("d", poisonedStreams),
        ("e", craftedIDs), ("f", waitingReads), ("g", abandonedAppends), ("h", writtenOrder), ("i", largeGroup),
        ("j", idleCategory),
    ]
    var verdicts = Verdicts()
    for (letter, run) in cases where plan.cases.isEmpty || plan.cases.contains(letter) {
        progress("hostile \(letter)")
        try await run(plan, &verdicts)
    }
    verdicts.table.print()
    if !verdicts.missed.isEmpty { print("Missed: \(verdicts.missed.joined(separator: ", ")).\n") }
}

/// The table of the suite, and which goals are missed.
struct Verdicts {
    private(set) var table = Table("attack", "measured", "attacked", "control", "ratio", "goal", "")
    private(set) var missed: [String] = []

    /// Adds a row. `isMet` says whether the goal is met.
    mutating func add(
        _ letter: String, _ attack: String, _ measured: String, _ attacked: String, _ control: String,
        ratio value: Double?, goal: String, isMet: Bool
    ) {
        table.row(
            "\(letter): \(attack)", measured, attacked, control, value.map(ratio) ?? "–", goal, isMet ? "" : "missed")
        if !isMet { missed.append("\(letter) (\(attack))") }
    }

    /// Adds a row for a time, whose goal is a multiple of the control.
    mutating func add(
        _ letter: String, _ attack: String, _ measured: String, seconds: Double, control: Double, atMost most: Double
    ) {
        add(
            letter, attack, measured + ", ms", short(seconds * 1e3), short(control * 1e3), ratio: seconds / control,
            goal: "≤ \(short(most))×", isMet: seconds <= control * most)
    }

    /// Notes a case that this machine cannot run, and why.
    mutating func skip(_ letter: String, _ reason: String) {
        table.row(letter, "skipped: \(reason)", "", "", "", "", "")
    }
}

/// Runs `body` until it ends or the time is over. A body that is too late is cancelled and left behind, as a client that
/// hangs up leaves its request.
func abandon(after duration: Duration, _ body: @escaping @Sendable () async throws -> Void) async {
    let (ends, end) = AsyncStream<Void>.makeStream()
    let task = Task {
        try? await body()
        end.finish()
    }
    let timer = Task {
        try? await Task.sleep(for: duration)
        end.finish()
    }
    for await _ in ends {}
    task.cancel()
    timer.cancel()
}
