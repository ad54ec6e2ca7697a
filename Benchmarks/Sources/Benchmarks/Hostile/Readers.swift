import Foundation
import RawLoop
import Sillok
import SillokSQLite

/// b: idle subscribers of other streams, while one client appends and reads its own stream.
func idleSubscribers(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    let store = try plan.store("idle")
    let count = plan.isQuick ? 1000 : 10_000
    let control = try await appendAndRead(store, plan)
    let head = try await store.head()
    let subscribers = (0..<count).map { number in
        Task { for try await _ in store.subscribe(to: .stream(StreamID("idle-\(number)")), after: head) {} }
    }
    try await Task.sleep(for: .seconds(3))
    let attacked = try await appendAndRead(store, plan)
    for subscriber in subscribers { subscriber.cancel() }
    for subscriber in subscribers { _ = await subscriber.result }
    await store.close()
    plan.remove("idle")
    verdicts.add(
        "b", "\(short(Double(count))) idle subscribers of other streams", "append + read p50", seconds: attacked,
        control: control, atMost: 2)
}

private func appendAndRead(_ store: SQLiteEventStore, _ plan: Plan) async throws -> Double {
    var times: [Double] = []
    for number in 0..<(plan.isQuick ? 100 : 500) {
        let start = secondsNow()
        let receipt = try await store.append([Workload.event(number)], to: "mine-1")
        _ = try await store.read(.stream("mine-1"), after: Position(receipt.position.value - 1))
        times.append(secondsNow() - start)
    }
    return times.median
}

/// c: a reader holds a snapshot of the file while many events are appended.
func heldSnapshot(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    var longest: [Double] = []
    for isHeld in [false, true] {
        let store = try plan.store("held")
        try await store.append([Workload.event(0)])
        let snapshot = isHeld ? raw_snapshot_begin(plan.path("held")) : nil
        let payload = [UInt8](repeating: 0x61, count: 800_000)
        var most = 0.0
        for _ in 0..<(plan.isQuick ? 125 : 1250) {
            let event = EventData(type: "large", contentType: .bytes, payload: payload)
            let start = secondsNow()
            try await store.append([event], to: "large-1")
            most = max(most, secondsNow() - start)
        }
        if let snapshot { raw_snapshot_end(snapshot) }
        await store.close()
        plan.remove("held")
        longest.append(most)
    }
    verdicts.add(
        "c", "a snapshot is held while \(plan.isQuick ? "100 MB" : "1 GB") is appended", "longest append, ms",
        short(longest[1] * 1e3), short(longest[0] * 1e3), ratio: longest[1] / longest[0], goal: "≤ 100 ms more",
        isMet: longest[1] <= longest[0] + 0.1)
}

/// j: the first page of streams of a category, among very many streams of others.
func idleCategory(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    let store = try plan.store("names")
    try await store.append([Workload.event(0)], to: "idle-1")
    let control = try await firstPages(of: store)
    for start in stride(from: 0, to: plan.events, by: 1000) {
        let entries = (start..<start + 1000).map { number in
            AppendRequest.Entry(stream: StreamID("busy-\(number)"), event: Workload.event(number))
        }
        _ = try await store.append(AppendRequest(entries))
    }
    let attacked = try await firstPages(of: store)
    await store.close()
    plan.remove("names")
    for (index, what) in ["streams", "events"].enumerated() {
        verdicts.add(
            "j", "an idle category among \(short(Double(plan.events))) other streams", "first page of its \(what), ms",
            short(attacked[index] * 1e3), short(control[index] * 1e3), ratio: attacked[index] / control[index],
            goal: "≤ 2 ms", isMet: attacked[index] <= 0.002)
    }
}

private func firstPages(of store: SQLiteEventStore) async throws -> [Double] {
    var times: [[Double]] = [[], []]
    for _ in 0..<50 {
        let start = secondsNow()
        _ = try await store.streams(in: "idle", after: nil, limit: 100)
        let middle = secondsNow()
        _ = try await store.read(.category("idle"), limit: 100)
        times[0].append(middle - start)
        times[1].append(secondsNow() - middle)
    }
    return times.map(\.median)
}
