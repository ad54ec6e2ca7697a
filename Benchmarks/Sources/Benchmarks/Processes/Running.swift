import Foundation
import Sillok
import SillokProcesses

/// Process managers: instances a second next to Python's eventsourcing, and a million waiting deadlines.
///
/// `Benchmarks processes rate` and `Benchmarks processes waiting` run only one part.
func processes(_ plan: Plan) async throws {
    func isWanted(_ name: String) -> Bool { plan.cases.isEmpty || plan.cases.contains(name) }
    if isWanted("rate") { try await checkingOut(plan) }
    if isWanted("waiting") { try await waiting(plan) }
}

/// What is counted for each instance.
private let counted = [
    "appends", "commits", "reads", "events", "streams", "heads", "queries of the index", "writes of the index",
]

/// What one run of the shop took and did.
private struct CheckoutRun {
    var sample: Sample
    /// By name, for each instance.
    var counts: [String: Double] = [:]
}

private func checkingOut(_ plan: Plan) async throws {
    let count = plan.isQuick ? 300 : 3000
    var runs: [Int: [CheckoutRun]] = [:]
    var peers: [String: [Sample]] = [:]
    let names = plan.isQuick ? ["new-multi"] : ["new-single", "multi", "new-multi"]
    let version = peerVersion()
    for round in 0..<(plan.isQuick ? 1 : 3) {
        for partitions in round % 2 == 0 ? [1, 8] : [8, 1] {
            runs[partitions, default: []].append(try await checkOut(plan, count, partitions: partitions))
        }
        guard version != nil else { continue }
        for name in names {
            if let sample = askPeer(plan, name, count / 10) { peers[name, default: []].append(sample) }
        }
    }
    printRates(runs, peers, version, count)
}

private func printRates(
    _ runs: [Int: [CheckoutRun]], _ peers: [String: [Sample]], _ version: String?, _ count: Int
) {
    let best = peers.values.map { $0.map(\.rate).median }.max()
    var table = Table(
        "process of \(Checkout.eventsEach) durable events", "instances/s", "CPU ms/instance", "to the best peer")
    for (partitions, found) in runs.sorted(by: { $0.key < $1.key }) {
        let rate = found.map(\.sample.rate).median
        table.row(
            "Sillok, \(partitions) partition\(partitions == 1 ? "" : "s")", short(rate),
            short(found.map(\.sample.cpuMicroseconds).median / 1000), best.map { ratio(rate / $0) } ?? "–")
    }
    for (name, found) in peers.sorted(by: { $0.key < $1.key }) {
        let rate = found.map(\.rate).median
        table.row(
            "Python eventsourcing \(version ?? ""), runner \(name)", short(rate),
            short(found.map(\.cpuMicroseconds).median / 1000), best.map { ratio(rate / $0) } ?? "–")
    }
    table.print()
    var parts = Table("for each instance, of \(count)", "1 partition", "8 partitions")
    for name in counted {
        func cell(_ partitions: Int) -> String { short((runs[partitions] ?? []).map { $0.counts[name] ?? 0 }.median) }
        parts.row(name, cell(1), cell(8))
    }
    parts.print()
}

private func checkOut(_ plan: Plan, _ count: Int, partitions: Int) async throws -> CheckoutRun {
    let shop = try CheckoutShop(plan, partitions: partitions)
    let commits = Tally()
    shop.store.onCommit { _ in commits.add("commits") }
    let sample = try await measure {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await shop.runner.run() }
            try await shop.place(count)
            while shop.counting.counts["completed"] < count { try await Task.sleep(for: .milliseconds(2)) }
            group.cancelAll()
        }
        return count
    }
    let head = try await shop.store.head().value
    precondition(head == UInt64(count * Checkout.eventsEach), "there are \(head) events")
    var run = CheckoutRun(sample: sample)
    for tally in [shop.counting.counts, shop.model.counts, commits] {
        for name in counted where tally[name] > 0 { run.counts[name] = Double(tally[name]) / Double(count) }
    }
    await shop.close()
    for name in ["processes", "process-index"] { plan.remove(name) }
    return run
}

private let python = ProcessInfo.processInfo.environment["SILLOK_BENCH_PYTHON"] ?? "python3"

/// The version of Python's eventsourcing; `nil` if Python does not have it.
private func peerVersion() -> String? {
    let version = "import importlib.metadata; print(importlib.metadata.version('eventsourcing'))"
    guard let found = output(of: [python, "-c", version])?.first else {
        print("Python's eventsourcing is skipped: it is not installed (`pip install eventsourcing`).\n")
        return nil
    }
    return found
}

private func askPeer(_ plan: Plan, _ runner: String, _ instances: Int) -> Sample? {
    let script = ["Peers/eventsourcing_processes.py", plan.folder.path, "--instances", "\(instances)"]
    let cells = output(of: [python] + script + ["--runner", runner])?.compactMap { Double($0) } ?? []
    for name in ["orders", "checkouts", "warehouse", "bank", "shipping"] { plan.remove("eventsourcing-\(name)") }
    guard cells.count == 4, cells[1] > 0 else { return nil }
    progress("Python, \(runner): \(short(cells[0] / cells[1])) instances/s")
    return Sample(events: instances, seconds: cells[1], cpuSeconds: cells[2])
}
