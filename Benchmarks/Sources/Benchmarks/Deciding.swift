import Sillok
import SillokSQLite

/// Appends under the condition that no event carries two tags, in the filled store.
func deciding(_ plan: Plan) async throws {
    let store = try SQLiteEventStore(path: plan.filled, mode: .existing)
    let raw = RawStore(existing: plan.path("filled-raw"))
    let head = try await store.head().value
    var table = Table("condition on two tags", "Sillok appends/s", "p50 ms", "p99 ms", "raw loop appends/s", "takes")
    for (label, since) in [("after the head", head), ("over the whole log", 0)] {
        for writers in [1, 8] {
            var latencies: [Double] = []
            let rounds = try await Rounds(
                plan.rounds,
                [
                    (
                        "sillok",
                        {
                            try await decide(
                                in: store, writers: writers, since: since, seconds: plan.seconds, &latencies)
                        }
                    ),
                    ("raw", { await decide(raw, since: since, seconds: plan.seconds) }),
                ])
            table.row(
                "\(label), \(writers) writer\(writers == 1 ? "" : "s")", short(rounds.rate("sillok")),
                short(latencies.quantile(0.5) * 1e3), short(latencies.quantile(0.99) * 1e3),
                writers == 1 ? short(rounds.rate("raw")) : "",
                writers == 1 ? ratio(rounds.slowdown("sillok", against: "raw")) : "")
        }
    }
    table.print()
    raw.close()
    await store.close()
}

/// Pairs of a stream and a customer that no event carries together, each given once.
private struct FreePairs {
    var next = Int.random(in: 0..<1_000_000)

    mutating func pair() -> (stream: Int, customer: Int) {
        defer { next += 1 }
        let stream = next % Workload.streams
        // Event n has stream n % 1000 and customer 7919 n % 10000, so customers of a stream agree on the last digits.
        let offset = 1 + next / Workload.streams % (Workload.streams - 1)
        let thousand = next / (Workload.streams * Workload.streams) % 10
        return (stream, (7919 * stream + offset) % Workload.streams + thousand * Workload.streams)
    }
}

private func decide(
    in store: SQLiteEventStore, writers: Int, since: UInt64, seconds: Double, _ latencies: inout [Double]
) async throws -> Sample {
    var all: [Double] = []
    let sample = try await measure {
        let end = secondsNow() + seconds
        return try await withThrowingTaskGroup(of: [Double].self) { group in
            for _ in 0..<writers {
                group.addTask {
                    var pairs = FreePairs()
                    var taken: [Double] = []
                    while secondsNow() < end {
                        let pair = pairs.pair()
                        let tags = [Workload.streamTag(pair.stream), Workload.customerTag(pair.customer)]
                        let query = EventQuery([EventQuery.Item(tags: tags)])
                        let start = secondsNow()
                        do {
                            try await store.append(
                                [Workload.event(pair.stream, tags: tags)], to: Workload.stream(pair.stream),
                                if: .unchanged(query, since: Position(since)))
                        } catch {
                            guard case AppendError.conflict = error else { throw error }
                        }
                        taken.append(secondsNow() - start)
                    }
                    return taken
                }
            }
            for try await taken in group { all += taken }
            return all.count
        }
    }
    latencies += all
    return sample
}

private func decide(_ raw: RawStore, since: UInt64, seconds: Double) async -> Sample {
    await measure {
        let end = secondsNow() + seconds
        var pairs = FreePairs()
        var count = 0
        while secondsNow() < end {
            let pair = pairs.pair()
            _ = raw.append(stream: pair.stream, customer: pair.customer, since: since)
            count += 1
        }
        return count
    }
}
