import Foundation
import Sillok
import SillokSQLite

/// A rebuild in a process of its own: how long, how large, how much memory at the most.
func rebuildingAlone(_ plan: Plan) async throws {
    let bytes = plan.bytes(plan.path("bank"))
    let child = Process()
    child.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
    child.arguments = ["one-rebuild", plan.path("bank"), plan.fresh("balances")]
    let pipe = Pipe()
    child.standardOutput = pipe
    try child.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    child.waitUntilExit()
    plan.remove("balances")
    let cells = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard cells.count == 3 else { return }
    let (events, seconds, memory) = (cells[0], cells[1], cells[2])
    var table = Table("rebuilding `account_balance`", "seconds", "events/s", "MB/s of the log", "resident MB, at most")
    table.row(
        "\(short(events)) events, \(short(Double(Bank.accounts))) accounts, \(short(Double(bytes) / 1e6)) MB",
        short(seconds), short(events / seconds), short(Double(bytes) / 1e6 / seconds), short(memory))
    table.print()
}

/// A store with the bank's events.
func oneBank(_ path: String, _ events: Int) async throws {
    let store = try SQLiteEventStore(path: path)
    try await store.fillBank(to: events)
    await store.close()
}

/// One rebuild in this process alone: events, seconds, the most memory that was resident in MB.
func oneRebuild(_ store: String, _ model: String) async throws {
    let store = try SQLiteEventStore(path: store, mode: .existing)
    let start = secondsNow()
    let events = try await rebuild(store, model)
    print(events, secondsNow() - start, peakMegabytes())
    await store.close()
}

/// The most memory of this process that was resident at once, in MB.
private func peakMegabytes() -> Double {
    // On Linux a child's `ru_maxrss` includes the memory of its parent; this line starts at zero with the program.
    let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let peak = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    if let kilobytes = peak?.split(separator: " ").dropLast().last.flatMap({ Double($0) }) {
        return kilobytes * 1024 / 1e6
    }
    #if canImport(Darwin)
    var usage = rusage()
    getrusage(RUSAGE_SELF, &usage)
    return Double(usage.ru_maxrss) / 1e6
    #else
    return 0
    #endif
}
