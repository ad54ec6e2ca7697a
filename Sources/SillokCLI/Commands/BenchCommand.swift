import ArgumentParser
import Foundation
import Sillok
import SillokSQLite
import SillokTerminal
import SillokWire

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure appends and reads on this machine.",
        discussion: """
            Appends durably with 1, 8, 32 and 64 writers and in batches, then reads everything back. Works on a new
            store, which it removes again. The disk decides: give a path on the disk that you mean.

            Examples:
              sillok bench
              sillok bench /data/bench.sqlite --seconds 5
            """)

    @Argument(
        help: "Where to make the store; a new file in the folder for temporary ones if not given.", completion: .file())
    var store: String?

    @Option(help: "How long each measurement of appends lasts.")
    var seconds = 2.0

    @OptionGroup var show: ShowOptions

    func validate() throws {
        if !(0.01...600).contains(seconds) { throw ValidationError("--seconds is between 0.01 and 600.") }
    }

    func run() async throws {
        let path = store ?? NSTemporaryDirectory() + "sillok-bench-\(EventID()).sqlite"
        guard !FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure(.usage, "\(path.visible) is there already", hint: "bench makes a store of its own.")
        }
        let opened = try SQLiteEventStore(path: path, mode: .create)
        let result: Result<[Measurement], any Error>
        do {
            result = .success(try await measure(opened))
        } catch {
            result = .failure(error)
        }
        await opened.close(removing: .always)
        try print(try result.get(), path)
    }

    private func measure(_ store: SQLiteEventStore) async throws -> [Measurement] {
        let workload = Workload(store: store)
        let duration = Duration.seconds(seconds)
        let bar = ProgressBar("Measuring", unit: "measurements", total: 9)
        defer { bar.finish(quietly: true) }
        var results: [Measurement] = []
        for (writers, batch) in [(1, 1), (8, 1), (32, 1), (64, 1), (1, 10), (1, 100), (1, 1000)] {
            bar.update(to: UInt64(results.count))
            results.append(try await workload.append(writers: writers, batch: batch, for: duration))
        }
        bar.update(to: UInt64(results.count))
        results.append(try await workload.scan())
        bar.update(to: UInt64(results.count))
        results.append(try await workload.readStreams())
        return results
    }

    private func print(_ results: [Measurement], _ path: String) throws {
        let console = Console.current
        if show.json {
            for result in results { try console.print(result.json) }
            return
        }
        try console.print("every append durable; 120-byte JSON, one tag, 1,000 streams; \(path.visible)")
        var table = Table(
            .left("WHAT"), .right("WRITERS"), .right("BATCH"), .right("CALLS/S"), .right("EVENTS/S"), .right("P50 MS"),
            .right("P99 MS"), .right("CPU µS/EVENT"))
        for result in results {
            table.add(
                result.name, "\(result.writers)", "\(result.batch)", result.callRate.asRate, result.eventRate.asRate,
                result.percentile(0.5).rounded(digits: 2), result.percentile(0.99).rounded(digits: 2),
                result.processorMicroseconds.rounded(digits: 1))
        }
        for line in table.lines(for: console.outputTerminal) { try console.print(line) }
    }
}

/// What one measurement gave.
private struct Measurement {
    let name: String
    let writers: Int
    let batch: Int
    /// Seconds that each call took, in order of size.
    let latencies: [Double]
    let events: Int
    let seconds: Double
    let processorSeconds: Double

    var callRate: Double { Double(latencies.count) / seconds }
    var eventRate: Double { Double(events) / seconds }
    var processorMicroseconds: Double { processorSeconds * 1e6 / Double(max(events, 1)) }

    /// Milliseconds within which this part of the calls was answered.
    func percentile(_ part: Double) -> Double {
        guard !latencies.isEmpty else { return 0 }
        return latencies[min(latencies.count - 1, Int(Double(latencies.count) * part))] * 1000
    }

    var json: JSONWriter {
        var json = JSONWriter()
        json.beginObject()
        json.field("name", name)
        json.field("writers", writers)
        json.field("batch", batch)
        json.field("calls", latencies.count)
        json.field("events", events)
        json.field("seconds", seconds, digits: 6)
        json.field("eventsPerSecond", eventRate, digits: 1)
        json.field("p50Milliseconds", percentile(0.5), digits: 3)
        json.field("p99Milliseconds", percentile(0.99), digits: 3)
        json.field("processorMicrosecondsPerEvent", processorMicroseconds, digits: 2)
        json.endObject()
        return json
    }
}

/// What is measured: the same events and streams every time.
private struct Workload {
    let store: SQLiteEventStore
    private static let streams: UInt64 = 1000

    /// Appends from several writers at once. Each writer sends its next append when it gets the answer to the previous
    /// one.
    func append(writers: Int, batch: Int, for duration: Duration) async throws -> Measurement {
        let store = store
        return try await measured("append", writers: writers, batch: batch) {
            try await withThrowingTaskGroup(of: [Double].self) { group in
                let end = ContinuousClock.now + duration
                for writer in 0..<writers {
                    group.addTask {
                        var latencies: [Double] = []
                        var number = UInt64(writer) &* 0x9E37_79B9_7F4A_7C15
                        repeat {
                            try Task.checkCancellation()
                            let entries = (0..<batch).map { _ in
                                number = number &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                                return Self.entry(number >> 33)
                            }
                            let start = ContinuousClock.now
                            _ = try await store.append(AppendRequest(entries))
                            latencies.append((ContinuousClock.now - start).seconds)
                        } while ContinuousClock.now < end
                        return latencies
                    }
                }
                var all: [Double] = []
                for try await latencies in group { all += latencies }
                return (all, all.count * batch)
            }
        }
    }

    /// Reads the whole log, page by page.
    func scan() async throws -> Measurement {
        try await measured("scan", writers: 1, batch: store.limits.pageEvents) {
            try await read(.all)
        }
    }

    /// Reads whole streams, one after the other.
    func readStreams() async throws -> Measurement {
        try await measured("read a stream", writers: 1, batch: store.limits.pageEvents) {
            var sum: ([Double], Int) = ([], 0)
            for number in 0..<Self.streams {
                let (latencies, events) = try await read(.stream("account-\(number)"))
                sum = (sum.0 + [latencies.reduce(0, +)], sum.1 + events)
            }
            return sum
        }
    }

    private func read(_ query: EventQuery) async throws -> ([Double], Int) {
        var (latencies, events): ([Double], Int) = ([], 0)
        var next: ReadRequest? = ReadRequest(query, limit: store.limits.pageEvents)
        while let request = next {
            let start = ContinuousClock.now
            let batch = try await store.read(request)
            latencies.append((ContinuousClock.now - start).seconds)
            events += batch.events.count
            next = request.next(after: batch)
            try Task.checkCancellation()
        }
        return (latencies, events)
    }

    private func measured(
        _ name: String, writers: Int, batch: Int, _ body: () async throws -> ([Double], Int)
    ) async throws -> Measurement {
        let (start, processor) = (ContinuousClock.now, Self.processorSeconds())
        let (latencies, events) = try await body()
        return Measurement(
            name: name, writers: writers, batch: batch, latencies: latencies.sorted(), events: events,
            seconds: (ContinuousClock.now - start).seconds, processorSeconds: Self.processorSeconds() - processor)
    }

    private static func entry(_ number: UInt64) -> AppendRequest.Entry {
        let key = String(number % streams)
        let text =
            #"{"amount":\#(number % 100_000),"currency":"EUR","reference":"invoice 2026-\#(number)","#
            + #""note":"measured by sillok bench, nothing else"}"#
        let event = EventData(type: "deposited", tags: [Tag("owner", key)], text: text)
        return AppendRequest.Entry(stream: StreamID("account", key), event: event)
    }

    /// The processor time that this process has used, in user and system.
    private static func processorSeconds() -> Double {
        var usage = rusage()
        #if canImport(Glibc)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
        getrusage(RUSAGE_SELF, &usage)
        #endif
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6 }
    }
}
