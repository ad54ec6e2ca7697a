import RawLoop
import Sillok
import SillokSQLite

/// Durable appends, compared with the raw loop.
func appending(_ plan: Plan) async throws {
    var table = Table("append", "Sillok events/s", "raw loop", "takes", "Sillok CPU µs/event", "raw loop")
    var rates: [Int: Double] = [:]
    for writers in [1, 8, 32, 64] {
        let rounds = try await besideRawLoop(plan, writers: writers, batch: 1)
        rates[writers] = rounds.rate("sillok")
        table.row(label: "1 event, \(writers) writer\(writers == 1 ? "" : "s")", rounds)
    }
    for batch in [10, 100, 1000] {
        table.row(label: "\(batch) events, 1 writer", try await besideRawLoop(plan, writers: 1, batch: batch))
    }
    table.print()
    print("64 writers append \(ratio((rates[64] ?? 0) / (rates[1] ?? 1))) as many events as one.\n")
}

extension Table {
    fileprivate mutating func row(label: String, _ rounds: Rounds) {
        row(
            label, short(rounds.rate("sillok")), short(rounds.rate("raw")),
            ratio(rounds.slowdown("sillok", against: "raw")), short(rounds.cpu("sillok")), short(rounds.cpu("raw")))
    }
}

private func besideRawLoop(_ plan: Plan, writers: Int, batch: Int) async throws -> Rounds {
    let store = try plan.store("append")
    let raw = RawStore(plan.fresh("append-raw"))
    defer {
        plan.remove("append")
        plan.remove("append-raw")
    }
    let rounds = try await Rounds(
        plan.rounds,
        [
            ("sillok", { try await append(to: store, writers: writers, batch: batch, seconds: plan.seconds) }),
            ("raw", { await raw.append(writers: writers, batch: batch, seconds: plan.seconds) }),
        ])
    await store.close()
    raw.close()
    return rounds
}

/// Writers that append, each to its own stream, until the time is over.
func append(to store: SQLiteEventStore, writers: Int, batch: Int, seconds: Double) async throws -> Sample {
    try await measure {
        let end = secondsNow() + seconds
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    let stream = Workload.stream(writer)
                    var number = 0
                    while secondsNow() < end {
                        try await store.append((number..<number + batch).map { Workload.event($0) }, to: stream)
                        number += batch
                    }
                    return number
                }
            }
            return try await group.reduce(0, +)
        }
    }
}

/// The raw loop's database.
final class RawStore {
    private let handle: OpaquePointer

    init(
        _ path: String, layout: raw_layout = raw_layout_store, checkpointPages pages: Int32 = checkpointPages,
        randomIDs: Bool = false
    ) {
        handle = raw_create(path, layout, pages, randomIDs)
    }

    init(existing path: String) { handle = raw_open(path, checkpointPages) }

    func append(writers: Int, batch: Int, seconds: Double) async -> Sample {
        await measure {
            if writers > 1 { return Int(raw_append_concurrently(handle, Int32(writers), seconds)) }
            let end = secondsNow() + seconds
            var events = 0
            while secondsNow() < end {
                raw_append(handle, UInt32(batch), 1, false)
                events += batch
            }
            return events
        }
    }

    /// Batches of the common workload: scattered streams, two tags each.
    func fill(events: Int, batch: Int = 1000) {
        for _ in 0..<events / batch { raw_append(handle, UInt32(batch), UInt32(Workload.streams), true) }
    }

    func append(stream: Int, customer: Int, since: UInt64) -> Bool {
        raw_append_unless(handle, UInt32(stream), UInt32(customer), since)
    }

    func close() { raw_close(handle) }
}
