import Sillok
import SillokSQLite

/// What a small append costs in small stores, and in the large one that the suite of fills has left.
func growing(_ plan: Plan) async throws {
    let names = Workload.Names()
    var stores: [(label: String, store: SQLiteEventStore)] = []
    let sizes = [10_000, 100_000].filter { $0 < plan.events }
    for size in sizes {
        let store = try plan.store("grow-\(size)")
        try await store.fill(to: size, names)
        stores.append((short(Double(size)), store))
    }
    let large = try SQLiteEventStore(path: plan.filled, mode: .existing)
    stores.append((short(Double(plan.events)), large))
    var table = Table("stored", "1 writer events/s", "CPU µs", "32 writers events/s", "CPU µs")
    var all: [Rounds] = []
    for writers in [1, 32] {
        all.append(
            try await Rounds(
                plan.rounds,
                stores.map { side in
                    (
                        side.label,
                        {
                            try await appendScattered(
                                to: side.store, names, writers: writers, seconds: plan.seconds)
                        }
                    )
                }))
    }
    for (label, _) in stores {
        table.row(
            label, short(all[0].rate(label)), short(all[0].cpu(label)), short(all[1].rate(label)),
            short(all[1].cpu(label)))
    }
    table.print()
    let (first, last) = (stores[0].label, stores[stores.count - 1].label)
    print(
        """
        A small append at \(last) events takes \(ratio(all[0].slowdown(last, against: first))) of the time at \
        \(first) with one writer, \(ratio(all[1].slowdown(last, against: first))) with 32.\n
        """)
    for (_, store) in stores { await store.close() }
    for size in sizes { plan.remove("grow-\(size)") }
}

/// Writers that append single events of the common workload, scattered over its streams.
private func appendScattered(
    to store: SQLiteEventStore, _ names: Workload.Names, writers: Int, seconds: Double
) async throws -> Sample {
    let first = Int(try await store.head().value)
    return try await measure {
        let end = secondsNow() + seconds
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    var count = 0
                    while secondsNow() < end {
                        let number = first + writer * 331 + count * 7
                        _ = try await store.append(AppendRequest([names.entry(number)]))
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
    }
}
