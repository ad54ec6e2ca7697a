// Appends to a log in segments and scans it, without a store around it: the engine next to its limit, which is a loop in C
// that writes records without ids, tags and links (`limits/log.c` of the shared benchmarks).
//
//   log-bench append --folder F [--batch 1] [--seconds 3] [--events N] [--chain] [--segment-mib M] [--no-sync]
//   log-bench store  --folder F [--writers 1] [--batch 1] [--seconds 3] [--ids random|ordered] [--streams own|new|none]
//                    [--tags 1] [--no-sync] [--keep] [--part ENTRIES]
//   log-bench fill   --folder F [--events 1000000] [--random-ids] [--batch 1000] [--without-index] [--keep]
//   log-bench open   --folder F          opens a folder, and prints times and memory
//   log-bench workloads --folder F [--random-ids]
//   log-bench scan   --folder F [--repeat 3] [--raw | --random N]
import Foundation
import SillokChain
import SillokCore
import SillokDisk
import SillokSegments

let arguments = Array(CommandLine.arguments.dropFirst())

func option(_ name: String, _ standard: String) -> String {
    arguments.firstIndex(of: name).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil } ?? standard
}

func isSet(_ name: String) -> Bool { arguments.contains(name) }

let clock = ContinuousClock()

func seconds(since start: ContinuousClock.Instant) -> Double {
    let parts = (clock.now - start).components
    return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
}

func append() throws {
    let folder = option("--folder", "/tmp/log-bench.sillok")
    let batch = Int(option("--batch", "1")) ?? 1
    let limit = Double(option("--seconds", "3")) ?? 3
    let events = Int(option("--events", "0")) ?? 0
    let hasChain = isSet("--chain")
    try? FileManager.default.removeItem(atPath: folder)
    let identity = LogIdentity(
        store: StoreID(), hashKey: .init(low: 1, high: 2), createdAt: Timestamp(microsecondsSince1970: 0), chainStart: 1
    )
    var settings = LogSettings()
    if isSet("--no-sync") { settings.faults = .noSync }
    settings.fillBytes = (Int(option("--fill-mib", "1")) ?? 1) << 20
    let segmentBytes = (Int(option("--segment-mib", "0")) ?? 0) << 20
    if segmentBytes > 0 { (settings.firstSegmentBytes, settings.maximumSegmentBytes) = (segmentBytes, segmentBytes) }
    try SegmentLog.create(folder, on: SystemDisk(), identity, settings)
    let log = try SegmentLog(opening: folder, on: SystemDisk(), .write, settings)
    let upkeep = log.upkeep
    var group = GroupBuffer(for: identity, settings)
    var link = Chain(of: identity.store, from: 1).genesis
    var latencies: [Double] = []
    /// Seconds for making the events, encoding them, their digests, filling the group, and writing and syncing it.
    var parts = [Double](repeating: 0, count: 5)
    let payload =
        [UInt8](#"{"order":"order-12345","line":17,"article":"#.utf8) + [UInt8](repeating: 0x61, count: 256 - 45)
    let queue = DispatchQueue(label: "upkeep")
    let start = clock.now
    var revision: UInt64 = 0
    while events > 0 ? Int(log.writtenHead) < events : seconds(since: start) < limit {
        let begin = clock.now
        let entries = (0..<batch).map { index in
            AppendRequest.Entry(
                stream: "order-42",
                event: EventData(
                    type: "OrderLineAdded", tags: ["order:4711", "customer:\(index % 100)"], payload: payload))
        }
        let request = AppendRequest(entries)
        let made = clock.now
        let encoded = EncodedAppend(request, hasLinks: true)
        let isEncoded = clock.now
        let facts = hasChain ? request.factDigests : []
        let digested = clock.now
        group.begin(first: log.writtenHead + 1)
        let first = log.writtenHead + 1
        group.add(encoded) { index in
            revision += 1
            if hasChain {
                link = Chain.link(
                    after: link, Position(first + UInt64(index)), Revision(revision),
                    Timestamp(microsecondsSince1970: 1), facts[index])
            }
            return EventStamp(revision: revision, recorded: 1, link: link)
        }
        let filled = clock.now
        try log.write(&group)
        try log.sync()
        let times = [begin, made, isEncoded, digested, filled, clock.now]
        for part in parts.indices { parts[part] += (times[part + 1] - times[part]) / .seconds(1) }
        if log.nextSegmentIsDue { queue.async { try? upkeep.prepareNextSegment() } }
        if upkeep.placesAreDue { queue.async { try? upkeep.settlePlaces() } }
        latencies.append(seconds(since: begin) * 1e6)
    }
    let elapsed = seconds(since: start)
    latencies.sort()
    func quantile(_ part: Double) -> Int {
        Int(latencies[min(latencies.count - 1, Int(part * Double(latencies.count)))])
    }
    print(
        "{\"tool\":\"segments\",\"batch\":\(batch),\"chain\":\(hasChain),\"rate\":\(Int(Double(log.durableHead) / elapsed)),"
            + "\"events\":\(log.durableHead),\"p50_us\":\(quantile(0.5)),\"p99_us\":\(quantile(0.99)),"
            + "\"max_us\":\(quantile(1)),\"ns_per_event\":\(parts.map { Int($0 * 1e9 / Double(log.durableHead)) })}")
    try log.writeMark()
}

func scan() throws {
    let begin = clock.now
    let log = try SegmentLog(opening: option("--folder", "/tmp/log-bench.sillok"), on: SystemDisk(), .readOnly)
    let opening = seconds(since: begin)
    let head = log.durableHead
    var best = 0.0
    var sum = 0
    let random = Int(option("--random", "0")) ?? 0
    for _ in 0..<(Int(option("--repeat", "3")) ?? 3) {
        let start = clock.now
        sum = 0
        if random > 0 {
            var position: UInt64 = 1
            for _ in 0..<random {
                position = (position &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407) % head + 1
                sum += try log.reader.record(at: position) { try $0.event().payload.count }
            }
            best = max(best, Double(random) / seconds(since: start))
            continue
        }
        if isSet("--raw") {
            try log.reader.forEach(from: 1, through: head) { record in
                sum &+= record.body.count
                return true
            }
        } else {
            try log.reader.forEach(from: 1, through: head) { record in
                let event = try record.event()
                sum &+= event.payload.count &+ event.tags.count
                return true
            }
        }
        best = max(best, Double(head) / seconds(since: start))
    }
    print(
        "{\"tool\":\"segments\",\"scan\":\"\(random > 0 ? "random" : isSet("--raw") ? "raw" : "owned")\",\"rate\":\(Int(best)),"
            + "\"events\":\(head),\"open_ms\":\(Int(opening * 1000)),\"sum\":\(sum)}")
}

switch arguments.first {
case "append": try append()
case "scan": try scan()
case "store": try await appendToStore()
case "fill": try await fill()
case "more": try await appendMore()
case "workloads": try await runWorkloads()
case "open": try await openFolder()
default: print("usage: log-bench append | store | scan | fill | open; see the top of main.swift")
}
