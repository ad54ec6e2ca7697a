import Foundation
import SillokCore
import SillokLog
import SillokLogFormat

/// What one writer of the store did.
private struct Work: Sendable {
    var appends = 0
    var latencies: [Double] = []
}

/// Random numbers that cost little, so that the bench does not measure them.
struct FastRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Returns an id of version 4.
    mutating func nextID() -> EventID {
        EventID(high: next() & ~0xF000 | 0x4000, low: next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }
}

private enum Streams: String { case none, own, new }

/// Appends through a store, from tasks that each wait for their append.
func appendToStore() async throws {
    let folder = option("--folder", "/tmp/log-bench.sillok")
    let (batch, writers) = (Int(option("--batch", "1")) ?? 1, Int(option("--writers", "1")) ?? 1)
    let limit = Double(option("--seconds", "3")) ?? 3
    let isRandom = option("--ids", "random") == "random"
    let streams = Streams(rawValue: option("--streams", "own")) ?? .own
    let tags = Int(option("--tags", "1")) ?? 1
    if !isSet("--keep") { try? FileManager.default.removeItem(atPath: folder) }
    var tuning = LogTuning()
    if let entries = Int(option("--part", "")) { tuning.partEntries = entries }
    if isSet("--no-sync") { tuning.segments.faults = .noSync }
    let opening = clock.now
    let store = try LogEventStore(path: folder, mode: .create, tuning: tuning)
    let openTime = seconds(since: opening)
    let before = try await store.head()
    let payload =
        [UInt8](#"{"order":"order-12345","line":17,"article":"#.utf8) + [UInt8](repeating: 0x61, count: 256 - 45)
    let start = clock.now
    let cpu = processorSeconds()
    let works = try await withThrowingTaskGroup(of: Work.self) { group in
        for writer in 0..<writers {
            group.addTask {
                var work = Work()
                var random = FastRandom(state: UInt64.random(in: 0 ... .max))
                var own = StreamID("order-\(writer)")
                let allTags = (0..<tags).map { EventTag("customer:\(writer)-\($0)") }
                while seconds(since: start) < limit {
                    let begin = clock.now
                    if streams == .new { own = StreamID("order-\(writer)-\(work.appends)") }
                    let entries = (0..<batch).map { _ in
                        let id = isRandom ? random.nextID() : EventID()
                        return AppendRequest.Entry(
                            stream: streams == .none ? nil : own,
                            event: EventData(id: id, type: "OrderLineAdded", tags: allTags, payload: payload))
                    }
                    _ = try await store.append(AppendRequest(entries))
                    work.appends += 1
                    work.latencies.append(seconds(since: begin) * 1e6)
                }
                return work
            }
        }
        var works: [Work] = []
        for try await work in group { works.append(work) }
        return works
    }
    let elapsed = seconds(since: start)
    let used = processorSeconds() - cpu
    let events = Double(works.reduce(0) { $0 + $1.appends } * batch)
    let latencies = works.flatMap(\.latencies).sorted()
    func quantile(_ part: Double) -> Int {
        Int(latencies[min(latencies.count - 1, Int(part * Double(latencies.count)))])
    }
    print(
        "{\"tool\":\"store\",\"writers\":\(writers),\"batch\":\(batch),\"random\":\(isRandom),"
            + "\"streams\":\"\(streams)\","
            + "\"sync\":\(!isSet("--no-sync")),\"rate\":\(Int(events / elapsed)),\"before\":\(before.value),"
            + "\"open_ms\":\(Int(openTime * 1000)),\"cpu_ns\":\(Int(used * 1e9 / events)),"
            + "\"p50_us\":\(quantile(0.5)),\"p99_us\":\(quantile(0.99)),\"max_us\":\(quantile(1))}")
    await store.close()
}

/// The processor time of this process.
func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    let (user, system) = (usage.ru_utime, usage.ru_stime)
    return Double(user.tv_sec + system.tv_sec) + Double(user.tv_usec + system.tv_usec) * 1e-6
}
