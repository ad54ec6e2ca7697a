import Foundation
import SillokCore
import SillokLog

/// One fill of a folder: what is appended, and where.
private struct Plan: Sendable {
    let folder: String
    let events: Int
    let hasRandomIDs: Bool
    let batch: Int

    init() {
        folder = option("--folder", "/tmp/log-bench.sillok")
        events = Int(option("--events", "1000000")) ?? 1_000_000
        hasRandomIDs = isSet("--random-ids")
        batch = Int(option("--batch", "1000")) ?? 1000
    }
}

/// Fills a folder, opens it as after a kill, and runs the workloads at a million events and at the end.
func fill() async throws {
    let plan = Plan()
    try? FileManager.default.removeItem(atPath: plan.folder)
    var store = try LogEventStore(path: plan.folder)
    var generator = FastRandom(state: 7)
    let first = min(1_000_000, plan.events)
    var small: [Measured] = []
    var filled = 0
    while filled < plan.events {
        let goal = min(filled + 1_000_000, plan.events)
        let (start, before) = (clock.now, processorSeconds())
        while filled < goal {
            let count = min(plan.batch, goal - filled)
            _ = try await store.append(AppendRequest(entries(filled..<filled + count, plan, &generator)))
            filled += count
        }
        let used = processorSeconds() - before
        report([
            ("events", "\(filled)"), ("rate", "\(Int(1e6 / seconds(since: start)))"),
            ("cpu_ns", "\(Int(used * 1e9 / 1e6))"), ("memory_mb", "\(residentMegabytes())"),
        ])
        if filled == first, first < plan.events { small = try await workloads(store, plan, &generator, filled) }
    }
    let bytes = try folderBytes(plan.folder)
    report([
        ("bytes_per_event", "\(bytes / filled)"), ("index_bytes_per_event", "\(try indexBytes(plan.folder) / filled)"),
    ])
    await store.close()
    try await openings(plan, filled)
    store = try LogEventStore(path: plan.folder, mode: .existing)
    try await untilIdle()
    let large = try await workloads(store, plan, &generator, filled)
    for end in large {
        let start = small.first { $0.name == end.name } ?? end
        report([
            ("workload", "\"\(end.name)\""), ("at_1M", "\(Int(start.rate))"), ("at_end", "\(Int(end.rate))"),
            ("ratio", String(format: "%.2f", end.rate / start.rate)), ("cpu_us_at_1M", tenths(start.processor)),
            ("cpu_us_at_end", tenths(end.processor)),
        ])
    }
    await store.close()
    if !isSet("--keep") { try? FileManager.default.removeItem(atPath: plan.folder) }
}

private func entries(
    _ numbers: Range<Int>, _ plan: Plan, _ random: inout FastRandom
) -> [AppendRequest.Entry] {
    numbers.map { number in
        // 20 events for each account and order.
        let account = number / 20
        let id = plan.hasRandomIDs ? random.nextID() : EventID()
        return AppendRequest.Entry(
            stream: StreamID("account-\(account)"),
            event: EventData(
                id: id, type: number.isMultiple(of: 3) ? "Deposited" : "Withdrawn",
                tags: [EventTag("account:\(account)"), EventTag("branch:\(account % 1000)")], payload: payload))
    }
}

private let payload: [UInt8] =
    [UInt8](#"{"order":"order-12345","line":17,"article":"#.utf8) + [UInt8](repeating: 0x61, count: 256 - 45)

// MARK: Workloads

/// Waits until the process uses no processor time. After an opening the names of the index are read into memory.
private func untilIdle() async throws {
    let start = clock.now
    var before = processorSeconds()
    while true {
        try await Task.sleep(for: .milliseconds(500))
        let now = processorSeconds()
        if now - before < 0.01 { break }
        before = now
    }
    report([("idle_after_s", tenths(seconds(since: start)))])
}

/// The best of three rounds of a workload: operations a second, and microseconds of processor time for each.
private struct Measured {
    let name: String
    var rate = 0.0
    var processor = Double.infinity
}

/// Runs the workloads on a folder that exists, so that folders of two sizes can be measured in turns.
func runWorkloads() async throws {
    let plan = Plan()
    let store = try LogEventStore(path: plan.folder, mode: .existing)
    var random = FastRandom(state: UInt64.random(in: 0 ... .max))
    let count = Int(try await store.head().value)
    try await untilIdle()
    for one in try await workloads(store, plan, &random, count) {
        report([
            ("workload", "\"\(one.name)\""), ("events", "\(count)"), ("rate", "\(Int(one.rate))"),
            ("cpu_us", tenths(one.processor)),
        ])
    }
    await store.close()
}

/// Rates of the workloads of a client, in operations a second, and removes nothing: a few thousand events are added.
private func workloads(
    _ opened: LogEventStore, _ plan: Plan, _ random: inout FastRandom, _ count: Int
) async throws -> [Measured] {
    var results: [Measured] = []
    func measure(_ name: String, _ times: Int, _ body: (Int) async throws -> Int) async throws {
        var best = Measured(name: name)
        for round in 0..<3 {
            let (start, before) = (clock.now, processorSeconds())
            var done = 0
            for index in 0..<times { done += try await body(round * times + index) }
            best.rate = max(best.rate, Double(done) / seconds(since: start))
            best.processor = min(best.processor, (processorSeconds() - before) * 1e6 / Double(done))
        }
        results.append(best)
    }
    let tag = "\(count)-\(random.next() % 1_000_000)"
    func event(_ random: inout FastRandom, _ tags: [EventTag] = []) -> EventData {
        EventData(id: plan.hasRandomIDs ? random.nextID() : EventID(), type: "Noted", tags: tags, payload: payload)
    }
    try await measure("W1 append, one writer", 300) { index in
        _ = try await opened.append(AppendRequest([.init(stream: "w1-\(tag)", event: event(&random))]))
        return 1
    }
    try await measure("W2 append, 32 writers", 20) { round in
        let events = (0..<32).map { _ in event(&random) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (writer, event) in events.enumerated() {
                group.addTask {
                    _ = try await opened.append(AppendRequest([.init(stream: "w2-\(tag)-\(writer)", event: event)]))
                }
            }
            try await group.waitForAll()
        }
        return 32
    }
    try await measure("W3 batches of 100", 20) { index in
        let batch = (0..<100).map { _ in AppendRequest.Entry(stream: "w3-\(tag)", event: event(&random)) }
        _ = try await opened.append(AppendRequest(batch))
        return 100
    }
    try await measure("W4 append to an old stream", 100) { index in
        let account = Int(random.next() % UInt64(count / 20))
        _ = try await opened.append(AppendRequest([.init(stream: "account-\(account)", event: event(&random))]))
        return 1
    }
    try await measure("W5 append if a tag is new", 200) { index in
        let name = EventTag("name:\(tag)-\(index)")
        _ = try await opened.append(
            AppendRequest(
                [.init(stream: nil, event: event(&random, [name]))], if: .unchanged(.tags(name), since: .start)))
        return 1
    }
    try await measure("W6 read a stream", 300) { _ in
        let account = Int(random.next() % UInt64(count / 20))
        let page = try await opened.read(ReadRequest(.stream("account-\(account)"), limit: 20))
        return page.events.count
    }
    try await measure("W6 read an event by its position", 1000) { _ in
        let place = random.next() % UInt64(count)
        return try await opened.read(ReadRequest(after: .position(Position(place)), limit: 1)).events.count
    }
    try await measure("W7 read all", 40) { index in
        let place = random.next() % UInt64(max(1, count - 1000))
        return try await opened.read(ReadRequest(after: .position(Position(place)), limit: 1000)).events.count
    }
    try await measure("W8 append and hear of it", 100) { index in
        let head = try await opened.head()
        async let reached: Void = opened.reach(head.next, for: .stream("w8-\(tag)"))
        _ = try await opened.append(AppendRequest([.init(stream: "w8-\(tag)", event: event(&random))]))
        try await reached
        return 1
    }
    return results
}

// MARK: Opening

/// Opens copies of what a killed process leaves: the log without its last mark, and the index as far as it was.
private func openings(_ plan: Plan, _ filled: Int) async throws {
    let program = CommandLine.arguments[0]
    // A process that is killed while it appends. Then a new process opens the folder.
    let victim = Process()
    victim.executableURL = URL(fileURLWithPath: program)
    victim.arguments = ["more", "--folder", plan.folder] + (plan.hasRandomIDs ? ["--random-ids"] : [])
    try victim.run()
    try await Task.sleep(for: .seconds(3))
    kill(victim.processIdentifier, SIGKILL)
    victim.waitUntilExit()
    for what in ["after a kill", "again"] { try run(program, ["open", "--folder", plan.folder, "--what", what]) }
    // Without its index.
    if isSet("--without-index") {
        for ending in ["", "-wal", "-shm"] { unlink(plan.folder + "/index.sqlite" + ending) }
        try run(program, ["open", "--folder", plan.folder, "--what", "without an index"])
    }
}

private func run(_ program: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
}

/// Appends until the process is killed.
func appendMore() async throws {
    let plan = Plan()
    let store = try LogEventStore(path: plan.folder, mode: .existing)
    var random = FastRandom(state: UInt64.random(in: 0 ... .max))
    var number = Int(try await store.head().value)
    while true {
        _ = try await store.append(AppendRequest(entries(number..<number + 100, plan, &random)))
        number += 100
    }
}

/// Opens a folder in this process, and prints the times until it is open, until the first answers, and its memory.
func openFolder() async throws {
    let folder = option("--folder", "/tmp/log-bench.sillok")
    let start = clock.now
    let store = try LogEventStore(path: folder, mode: .existing)
    let opened = seconds(since: start)
    let head = try await store.head().value
    var times: [(String, String)] = [
        ("opening", "\"\(option("--what", ""))\""), ("events", "\(head)"), ("open_ms", milliseconds(opened)),
    ]
    func measure(_ name: String, _ body: () async throws -> Void) async throws {
        try await body()
        times.append((name, milliseconds(seconds(since: start))))
    }
    var event: RecordedEvent?
    try await measure("read_ms") {
        event = try await store.read(ReadRequest(after: .position(Position(head / 2)), limit: 1)).events.first
    }
    try await measure("page_by_tag_ms") {
        guard let tag = event?.tags.last else { return }
        _ = try await store.read(ReadRequest(.tags(tag), limit: 10))
    }
    try await measure("by_id_ms") {
        guard let id = event?.id, try await store.event(id)?.position == event?.position else {
            print("WRONG: the event is not found by its id")
            return
        }
    }
    try await measure("append_ms") {
        let noted = EventData(type: "Noted", payload: payload)
        _ = try await store.append(AppendRequest([.init(stream: event?.stream, event: noted)]))
    }
    times.append(("memory_mb", "\(residentMegabytes())"))
    report(times)
    try await waitForIndex(store, folder, since: start)
    try await Task.sleep(for: .seconds(20))
    report([("idle_memory_mb", "\(residentMegabytes())"), ("cpu_s", String(format: "%.1f", processorSeconds()))])
    await store.close()
}

/// Waits until the index file has the log again.
private func waitForIndex(_ store: LogEventStore, _ folder: String, since start: ContinuousClock.Instant) async throws {
    let deadline = clock.now + .seconds(3600)
    while clock.now < deadline, let progress = store.indexRebuild {
        if isSet("--progress") { print("\(progress.done) of \(progress.total)") }
        try await Task.sleep(for: .seconds(1))
    }
    report([("index_s", String(format: "%.1f", seconds(since: start)))])
}

// MARK: Values

private func tenths(_ value: Double) -> String { String(format: "%.1f", value) }

private func milliseconds(_ seconds: Double) -> String { String(format: "%.1f", seconds * 1000) }

private func report(_ values: [(String, String)]) {
    print("{" + values.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}")
    fflush(nil)
}

/// The memory of this process that is in use, without what the system caches of files.
private func residentMegabytes() -> Int {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
        let number = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({ Int($0) })
    else { return 0 }
    return number / 1024
}

private func folderBytes(_ folder: String) throws -> Int {
    try FileManager.default.subpathsOfDirectory(atPath: folder).reduce(0) { sum, name in
        let size = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")[.size] as? NSNumber
        return sum + (name.hasSuffix(".seg") || !name.contains("/") || name.hasSuffix(".pos") ? size?.intValue ?? 0 : 0)
    }
}

private func indexBytes(_ folder: String) throws -> Int {
    let size = try FileManager.default.attributesOfItem(atPath: folder + "/index.sqlite")[.size] as? NSNumber
    return size?.intValue ?? 0
}
