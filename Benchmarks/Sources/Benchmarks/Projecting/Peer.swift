import Foundation

/// The projection runner of Python's eventsourcing over the same bank, if Python has it. `SILLOK_BENCH_PYTHON` names
/// the Python to ask.
func runningPeer(_ plan: Plan, rebuilding rate: Double) throws {
    let python = ProcessInfo.processInfo.environment["SILLOK_BENCH_PYTHON"] ?? "python3"
    let version = "import importlib.metadata; print(importlib.metadata.version('eventsourcing'))"
    guard let found = output(of: [python, "-c", version])?.first else {
        print("Python's eventsourcing is skipped: it is not installed (`pip install eventsourcing`).\n")
        return
    }
    var table = Table("peer", "events", "events/s", "resident MB, at most", "Sillok is faster")
    let count = plan.isQuick ? 20_000 : 100_000
    let sides = [
        ("log in SQLite", ["--log", "sqlite"]), ("log in memory", ["--log", "memory"]),
        ("log in SQLite, not waiting for the disk", ["--log", "sqlite", "--sync", "normal"]),
    ]
    for (label, options) in sides {
        let script = ["Peers/eventsourcing_projection.py", plan.folder.path, "--events", "\(count)"]
        let cells = output(of: [python] + script + options)?.compactMap { Double($0) } ?? []
        guard cells.count == 4, cells[1] > 0 else { continue }
        table.row(
            "Python eventsourcing \(found), \(label)", short(cells[0]), short(cells[0] / cells[1]), short(cells[3]),
            ratio(rate * cells[1] / cells[0]))
    }
    for name in ["eventsourcing-log", "eventsourcing-view"] { plan.remove(name) }
    table.print()
}

/// The words that a command prints; `nil` if it fails.
func output(of command: [String]) -> [String]? {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    child.arguments = command
    let pipe = Pipe()
    child.standardOutput = pipe
    guard (try? child.run()) != nil else { return nil }
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    child.waitUntilExit()
    guard child.terminationStatus == 0 else { return nil }
    return output.split(whereSeparator: \.isWhitespace).map(String.init)
}
