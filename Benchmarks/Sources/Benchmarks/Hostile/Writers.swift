import Foundation
import SillokProjections
import SillokSQLite

/// e: ids that were made to collide under the mix of format 1, against random ones.
func craftedIDs(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    var totals: [Double] = [0, 0]
    for side in 0...1 {
        let store = try plan.store("ids")
        var crafted = CraftedIDs()
        for batch in 0..<(plan.isQuick ? 3 : 10) {
            let events = (0..<1000).map { Workload.event($0, id: side == 0 ? Workload.randomID() : crafted.next()) }
            let start = secondsNow()
            try await store.append(events, to: StreamID("ids-\(batch)"))
            totals[side] += secondsNow() - start
        }
        await store.close()
        plan.remove("ids")
    }
    verdicts.add(
        "e", "batches of 1,000 crafted ids", "all batches", seconds: totals[1], control: totals[0], atMost: 2)
}

/// Ids of which all had one key in the index of format 1: its mix is public and can be turned around.
private struct CraftedIDs {
    private var high: UInt64 = 0x4000

    mutating func next() -> EventID {
        high += 1 << 16
        return EventID(high: high, low: Self.unmix(Self.unmix(0) ^ high))
    }

    /// The number that the mix (SplitMix64) turns into another.
    private static func unmix(_ mixed: UInt64) -> UInt64 {
        var value = mixed ^ mixed >> 31 ^ mixed >> 62
        value = value &* 0x3196_42B2_D24D_8EC3
        value = value ^ value >> 27 ^ value >> 54
        value = value &* 0x96DE_1B17_3F11_9089
        value = value ^ value >> 30 ^ value >> 60
        return value &- 0x9E37_79B9_7F4A_7C15
    }
}

/// g: appends that their callers gave up, faster than the disk takes them.
func abandonedAppends(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    var peaks: [Double] = []
    let limit = Limits().queueBytes
    for isAbandoned in [false, true] {
        let store = try plan.store("flood")
        let payload = [UInt8](repeating: 0x61, count: 256 << 10)
        let before = residentMegabytes()
        let end = secondsNow() + (plan.isQuick ? 3 : 10)
        let peak = await withTaskGroup(of: Double.self) { group in
            for loop in 0..<64 {
                group.addTask {
                    while secondsNow() < end {
                        let event = EventData(type: "flood", contentType: .bytes, payload: payload)
                        // With all the time that there is, a loop has one append at a time in the queue.
                        await abandon(after: isAbandoned ? .milliseconds(2) : .seconds(60)) {
                            try await store.append([event], to: StreamID("flood-\(loop)"))
                        }
                    }
                    return 0
                }
            }
            group.addTask {
                var most = 0.0
                while secondsNow() < end {
                    most = max(most, residentMegabytes())
                    try? await Task.sleep(for: .milliseconds(10))
                }
                return most
            }
            return await group.reduce(0, max)
        }
        await store.close()
        plan.remove("flood")
        peaks.append(peak - before)
    }
    let most = Double(limit) / 1e6 + 64
    verdicts.add(
        "g", "appends of 256 KiB that are abandoned after 2 ms", "memory at the peak, MB", short(peaks[1]),
        short(peaks[0]), ratio: peaks[1] / max(1, peaks[0]), goal: "≤ \(short(most)) MB", isMet: peaks[1] <= most)
}

/// d: a projection to which 300 of 1,000 streams are poison.
func poisonedStreams(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    var lags: [Double] = []
    for poisoned in [0, plan.isQuick ? 30 : 300] {
        let store = try plan.store("poison")
        let model = try SQLiteReadModel(path: plan.fresh("poison-rows"))
        let projector = Projector(Seen(poisoned: poisoned), from: store, into: model)
        let running = Task { try await projector.run() }
        let streams = plan.isQuick ? 100 : 1000
        let coding = EventCoding<Seen.Event>()
        let entries = try (0..<streams).map { number in
            AppendRequest.Entry(stream: StreamID("seen-\(number)"), event: try coding.encode(.noted(number)))
        }
        let receipt = try await store.append(AppendRequest(entries))
        let start = secondsNow()
        while try await rows(of: model) < streams - poisoned, secondsNow() - start < 120 {
            try await Task.sleep(for: .milliseconds(2))
        }
        lags.append(secondsNow() - start)
        progress("\(poisoned) poisoned of \(receipt.position)")
        running.cancel()
        _ = await running.result
        await model.close()
        await store.close()
        for name in ["poison", "poison-rows"] { plan.remove(name) }
    }
    verdicts.add(
        "d", "300 of 1,000 streams are poison", "until the last row of the others, ms", short(lags[1] * 1e3),
        short(lags[0] * 1e3), ratio: lags[1] / lags[0], goal: "≤ 1,000 ms", isMet: lags[1] <= 1)
}

/// The rows that are there; none before the projector has made its table.
private func rows(of model: SQLiteReadModel) async throws -> Int {
    guard let row = try? await model.rows("SELECT count(*) AS n FROM seen").first else { return 0 }
    guard case .integer(let count) = row["n"] else { return 0 }
    return Int(count)
}

/// A row for each event, except those of the first streams, which cannot be projected.
private struct Seen: Projection {
    enum Event: Codable, Sendable { case noted(Int) }
    struct Poison: Error {}

    let poisoned: Int
    let name = "seen"
    let version = 1
    let source = EventQuery.category("seen")
    let schema: [SQL] = ["CREATE TABLE \(table: "seen") (number INTEGER PRIMARY KEY)"]

    func project(_ event: Recorded<Event>) throws -> [SQL] {
        guard case .noted(let number) = event.payload, number >= poisoned else { throw Poison() }
        return ["INSERT INTO \(table: "seen") VALUES (\(number))"]
    }
}
