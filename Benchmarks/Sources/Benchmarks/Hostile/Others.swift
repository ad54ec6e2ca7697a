import Sillok

/// Clients that do nothing wrong: writers that append single events to streams of their own.
struct Others {
    var writers = 8
    private(set) var latencies: [Double] = []
    private(set) var seconds = 0.0

    var rate: Double { Double(latencies.count) / seconds }
    var p50: Double { latencies.quantile(0.5) }
    var p99: Double { latencies.quantile(0.99) }

    /// Appends for a time, and notes how long each append took.
    mutating func run(on store: any EventStore, for seconds: Double) async throws {
        let (start, end) = (secondsNow(), secondsNow() + seconds)
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for writer in 0..<writers {
                group.addTask {
                    var taken: [Double] = []
                    let stream = StreamID("other-\(writer)")
                    while secondsNow() < end {
                        let start = secondsNow()
                        try await store.append([Workload.event(taken.count)], to: stream)
                        taken.append(secondsNow() - start)
                    }
                    return taken
                }
            }
            for try await taken in group { latencies += taken }
        }
        self.seconds = secondsNow() - start
    }
}
