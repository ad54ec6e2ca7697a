import Foundation
import Sillok
import SillokSQLite

/// Bytes on disk, time to open, and memory, at three sizes; each size in a process of its own.
func remembering(_ plan: Plan) async throws {
    let names = Workload.Names()
    var table = Table(
        "stored", "bytes/event", "open ms", "resident MB, open", "after scanning all", "after 10,000 appends")
    for size in [10_000, 100_000].filter({ $0 < plan.events }) + [plan.events] {
        let name = size == plan.events ? "filled" : "size-\(size)"
        if size < plan.events {
            let store = try plan.store(name)
            try await store.fill(to: size, names)
            await store.close()
        }
        let child = Process()
        child.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        child.arguments = ["one-size", plan.path(name)]
        let pipe = Pipe()
        child.standardOutput = pipe
        let bytes = plan.bytes(plan.path(name))
        try child.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        child.waitUntilExit()
        let cells = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard cells.count == 5 else { continue }
        table.row(
            short(Double(size)), short(Double(bytes) / cells[0]), short(cells[1]), short(cells[2]), short(cells[3]),
            short(cells[4]))
        if size < plan.events { plan.remove(name) }
    }
    table.print()
}

/// One store in this process alone: its head, milliseconds to open, and resident MB after each step.
func oneSize(_ path: String) async throws {
    let start = secondsNow()
    let store = try SQLiteEventStore(path: path, mode: .existing)
    let head = try await store.head().value
    let opened = (secondsNow() - start) * 1e3
    let atFirst = residentMegabytes()
    _ = try await scan(store)
    let scanned = residentMegabytes()
    try await store.fill(to: Int(head) + 10_000, Workload.Names())
    print(head, opened, atFirst, scanned, residentMegabytes())
    await store.close()
}
