import Foundation
import Sillok
import SillokProcesses
import SillokSQLite

/// A million waiting deadlines: memory, processor time of an idle runner, a restart, lateness, and clocks that jump.
func waiting(_ plan: Plan) async throws {
    let times = DueTimes(plan)
    let (path, index) = (plan.fresh("waiting"), plan.fresh("waiting-index"))
    var table = Table("\(short(Double(times.all))) waiting deadlines", "measured", "goal", "")
    func add(_ name: String, _ value: Double, _ unit: String, atMost goal: Double) {
        table.row(name, "\(short(value)) \(unit)", "≤ \(short(goal)) \(unit)", value <= goal ? "" : "missed")
    }
    let filling = try await measure {
        try await fillWaiting(path, times)
        return times.all
    }
    progress("the log: \(short(filling.seconds)) s")
    let building = try await measure { try await build(path, index, times) }
    table.row("the index made from the log", "\(short(building.seconds)) s", "–", "")
    if let idle = child(["one-waiting", path, index, plan.isQuick ? "5" : "20"]) {
        add("resident memory of an idle runner", idle[0], "MB", atMost: 64)
        add("memory at the peak", idle[1], "MB", atMost: 64)
        add("processor time while it is idle, of a core", idle[2] * 100, "%", atMost: 1)
        add("from the start of the process to the first pass", idle[3], "s", atMost: 2)
    }
    let late = try await fireOnTime(path, index, times)
    add("lateness at 1,000 due a second, p50", late.latenesses.quantile(0.5), "ms", atMost: 250)
    add("p99", late.latenesses.quantile(0.99), "ms", atMost: 250)
    add("restart under this load, to the first firing", late.restart, "s", atMost: 2)
    try await jump(path, index, times) { add($0, $1, $2, atMost: $3) }
    table.print()
    for name in ["waiting", "waiting-index"] { plan.remove(name) }
}

/// Lets the index read the whole log.
private func build(_ path: String, _ index: String, _ times: DueTimes) async throws -> Int {
    let clock = MovedClock(at: times.base.advanced(byMicroseconds: -3_600_000_000))
    let waiting = try WaitingRunner(path, index, clock)
    try await waiting.runner.catchUp()
    let status = try await waiting.runner.status()
    precondition(status.waiting == ["deadline": times.all], "\(status.waiting) wait")
    await waiting.close()
    return times.all
}

/// One runner in this process alone, with nothing due: resident MB, the peak, the part of a core that it uses, and the
/// seconds until its first pass.
func oneWaiting(_ path: String, _ index: String, _ seconds: Double) async throws {
    let start = secondsNow()
    let clock = MovedClock(at: Timestamp(microsecondsSince1970: 1_899_990_000_000_000))
    let waiting = try WaitingRunner(path, index, clock)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await waiting.runner.run() }
        // A pass reads the store's time by an append, and then the head.
        while waiting.counting.counts["heads"] < 1 { try await Task.sleep(for: .milliseconds(1)) }
        let ready = secondsNow() - start
        try await Task.sleep(for: .seconds(2))
        let (from, cpu) = (secondsNow(), cpuSecondsNow())
        try await Task.sleep(for: .seconds(seconds))
        let part = (cpuSecondsNow() - cpu) / (secondsNow() - from)
        print(residentMegabytes(), peakMegabytes(), part, ready)
        group.cancelAll()
    }
    await waiting.close()
}

private func peakMegabytes() -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let words = (line ?? "").split(whereSeparator: \.isWhitespace)
    return words.count > 1 ? (Double(words[1]) ?? 0) * 1024 / 1e6 : 0
}

private func child(_ arguments: [String]) -> [Double]? {
    let cells = output(of: [CommandLine.arguments[0]] + arguments)?.compactMap { Double($0) } ?? []
    return cells.count == 4 ? cells : nil
}

private struct Lateness {
    var latenesses: [Double] = []
    var restart = 0.0
}

/// Half of the near deadlines come due at 1,000 a second. In the middle the runner ends and another one starts.
private func fireOnTime(_ path: String, _ index: String, _ times: DueTimes) async throws -> Lateness {
    var result = Lateness()
    let clock = MovedClock(at: times.base.advanced(byMicroseconds: -3_000_000))
    let first = try WaitingRunner(path, index, clock)
    let head = try await first.store.head()
    try await first.run(until: times.near / 4)
    result.latenesses = try await first.fired(times, after: head).map { Double($0.lateness) / 1000 }
    await first.close()
    let start = secondsNow()
    let second = try WaitingRunner(path, index, clock)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await second.runner.run() }
        while second.counting.counts["fired"] == 0 { try await Task.sleep(for: .milliseconds(1)) }
        result.restart = secondsNow() - start
        while second.counting.counts["fired"] < times.near / 4 { try await Task.sleep(for: .milliseconds(10)) }
        group.cancelAll()
    }
    await second.close()
    return result
}

/// The store's clock jumps a day forward, and back again, and then to the others.
private func jump(
    _ path: String, _ index: String, _ times: DueTimes,
    _ add: (String, Double, String, Double) -> Void
) async throws {
    let clock = MovedClock(at: times.base)
    clock.move(to: times.base.advanced(byMicroseconds: 86_400_000_000))
    let waiting = try WaitingRunner(path, index, clock)
    let start = secondsNow()
    try await waiting.run(untilAll: times.near, times)
    add("a jump of a day fires those of the day: seconds for all", secondsNow() - start, "s", 600)
    clock.move(to: times.base)
    try await waiting.run(seconds: 5)
    let again = try await waiting.fired(times, after: .start)
    add("fired again after a jump back", Double(again.count - Set(again.map(\.number)).count), "", 0)
    add("fired too many", Double(again.count - times.near), "", 0)
    clock.move(to: times.due(times.near + 999))
    try await waiting.run(untilAll: times.near + 1000, times)
    let all = try await waiting.fired(times, after: .start).map(\.number)
    add("lost", Double(Set(0..<(times.near + 1000)).subtracting(all).count), "", 0)
    add("fired before its time", Double(try await waiting.fired(times, after: .start).count { $0.lateness < 0 }), "", 0)
    await waiting.close()
}

extension WaitingRunner {
    /// Runs until a number of deadlines has fired in this runner.
    fileprivate func run(until count: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            while counting.counts["fired"] < count { try await Task.sleep(for: .milliseconds(10)) }
            group.cancelAll()
        }
    }

    /// Runs until the log has a number of firings.
    fileprivate func run(untilAll count: Int, _ times: DueTimes) async throws {
        let had = try await fired(times, after: .start).count
        let before = counting.counts["fired"]
        try await run(until: before + count - had)
    }

    fileprivate func run(seconds: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            try await Task.sleep(for: .seconds(seconds))
            group.cancelAll()
        }
    }
}
