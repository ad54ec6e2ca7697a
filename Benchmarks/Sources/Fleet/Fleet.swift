import Foundation
import Sillok
import SillokLog
import SillokPostgres
import SillokProjections
import SillokStoreSet
import Synchronization

/// The processes of `scripts/fleet`. A store is a folder, or `postgres://…#SCHEMA`.
///
///     fill STORE CATEGORY EVENTS          appends events in batches of 1,000 until the store has this number
///     project CONNECTION SCHEMA MODEL PARTITIONS LEASE NUMBER    projects until SIGTERM; the number names the holder
///     append STORE CATEGORY RATE SECONDS  appends single events at a rate, with 16 writers
///     logs SECONDS STORE…                 64 writers over all stores, and one merged subscription
@main
struct Fleet {
    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        switch (words.first, words.count) {
        case ("fill", 4): try await fill(words[1], words[2], Int(words[3]) ?? 0)
        case ("project", 7):
            var options = ProjectorOptions(
                failures: .stop, partitions: Int(words[4]) ?? 1, lease: .seconds(Int(words[5]) ?? 10))
            options.ids = ids(Int64(words[6]) ?? 0)
            try await project(words[1], words[2], words[3], options)
        case ("append", 5):
            try await append(words[1], words[2], Double(words[3]) ?? 1, seconds: Double(words[4]) ?? 1)
        case ("logs", 3...): try await logs(Double(words[1]) ?? 1, Array(words.dropFirst(2)))
        default:
            print("See the top of Benchmarks/Sources/Fleet/Fleet.swift.")
            exit(64)
        }
    }

    static func open(_ address: String) async throws -> any EventStore {
        guard address.hasPrefix("postgres:") else { return try LogEventStore(path: address) }
        let parts = address.split(separator: "#", maxSplits: 1).map(String.init)
        return try await PostgresEventStore(parts[0], schema: parts.count > 1 ? parts[1] : "sillok")
    }

    static func close(_ store: any EventStore) async {
        await (store as? LogEventStore)?.close()
        await (store as? PostgresEventStore)?.close()
    }

    static func event(_ number: Int) -> EventData {
        let text = String(repeating: "x", count: 180)
        return EventData(type: "noted", payload: Array("{\"number\":\(number),\"text\":\"\(text)\"}".utf8))
    }

    static let streams = 1000

    static func fill(_ address: String, _ category: String, _ count: Int) async throws {
        let store = try await open(address)
        var number = Int(try await store.head().value)
        while number < count {
            let end = min(number + 1000, count)
            _ = try await store.append(
                AppendRequest(
                    (number..<end).map { .init(stream: StreamID("\(category)-\($0 % streams)"), event: event($0)) }))
            number = end
        }
        await close(store)
    }
}

// MARK: Projecting

/// A row for each event. The script adds a trigger that notes when it was written. A second projection of an event would be refused.
struct Seen: Projection {
    enum Event: Codable, Sendable { case noted(number: Int, text: String) }

    let name = "seen"
    let version = 1
    let source = EventQuery.category("item")
    let schema: [SQL] = [
        """
        CREATE TABLE \(table: "seen") (
            position BIGINT PRIMARY KEY, recorded BIGINT NOT NULL, written DOUBLE PRECISION NOT NULL)
        """
    ]

    func project(_ event: Recorded<Event>) -> [SQL] {
        let recorded = event.recordedAt.microsecondsSince1970
        return [
            """
            INSERT INTO \(table: "seen")
            VALUES (\(event.position), \(recorded), 0::double precision)
            """
        ]
    }
}

/// The constant zero, so that an id contains only the time.
private struct Zeros: RandomNumberGenerator, Sendable {
    mutating func next() -> UInt64 { 0 }
}

extension Fleet {
    /// Ids whose first is known to the script: it contains a number.
    static func ids(_ number: Int64) -> IDGenerator {
        IDGenerator(clock: WallClock { Timestamp(microsecondsSince1970: number * 1000) }, random: Zeros())
    }

    static func project(
        _ connection: String, _ schema: String, _ model: String, _ options: ProjectorOptions
    ) async throws {
        let store = try await PostgresEventStore(connection, schema: schema, mode: .existing)
        let model = try await PostgresReadModel(connection, schema: model)
        let projector = Projector(Seen(), from: store, into: model, options: options)
        try await projector.prepare()
        print("ready")
        fflush(nil)
        _ = readLine()
        let run = Task { try await projector.run() }
        signal(SIGTERM, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        source.setEventHandler { run.cancel() }
        source.resume()
        if case .failure(let error) = await run.result, !(error is CancellationError) {
            print("failed: \(error)")
            exit(1)
        }
        await model.close()
        await store.close()
    }
}

// MARK: Appending

/// A value that several tasks change.
private final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { value in body(&value) }
    }
}

extension Fleet {
    static func append(_ address: String, _ category: String, _ rate: Double, seconds: Double) async throws {
        let store = try await open(address)
        let start = ContinuousClock.now
        let count = Int(rate * seconds)
        let next = Shared(0)
        let taken = Shared<[Double]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    while true {
                        let number = next.withLock { next in
                            next += 1
                            return next - 1
                        }
                        if number >= count { return }
                        try await ContinuousClock().sleep(until: start + .seconds(Double(number) / rate))
                        let begun = ContinuousClock.now
                        _ = try await store.append([event(number)], to: StreamID("\(category)-\(number % streams)"))
                        let time = milliseconds(since: begun)
                        taken.withLock { $0.append(time) }
                    }
                }
            }
            try await group.waitForAll()
        }
        let times = taken.withLock { $0.sorted() }
        print(times.count, times[times.count / 2], times[times.count * 99 / 100])
        await close(store)
    }

    static func milliseconds(since start: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - start) / .milliseconds(1)
    }

    /// Writers spread over several logs, and one reader of all.
    static func logs(_ seconds: Double, _ addresses: [String]) async throws {
        var stores: [LogName: any EventStore] = [:]
        for (number, address) in addresses.enumerated() { stores[LogName("log\(number)")] = try await open(address) }
        let set = try StoreSet(stores)
        let heads = try await set.heads()
        let start = ContinuousClock.now
        let acknowledged = Shared(0)
        let delivered = Shared<[Double]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await batch in try set.subscribe(to: .all, after: heads) {
                    let now = WallClock.system.now().microsecondsSince1970
                    let times = batch.events.map { Double(now - $0.recordedAt.microsecondsSince1970) / 1000 }
                    delivered.withLock { $0 += times }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { writers in
                for writer in 0..<64 {
                    let name = set.names[writer % set.names.count]
                    let store = try set.store(named: name)
                    writers.addTask {
                        var number = 0
                        while milliseconds(since: start) < seconds * 1000 {
                            _ = try await store.append([event(number)], to: StreamID("item-\(writer)"))
                            acknowledged.withLock { $0 += 1 }
                            number += 1
                        }
                    }
                }
                try await writers.waitForAll()
            }
            let rate = Double(acknowledged.withLock { $0 }) / (milliseconds(since: start) / 1000)
            let total = acknowledged.withLock { $0 }
            while delivered.withLock({ $0.count }) < total { try await Task.sleep(for: .milliseconds(10)) }
            let times = delivered.withLock { $0.sorted() }
            print(rate, times.count == total, times[times.count / 2], times[times.count * 99 / 100])
            group.cancelAll()
        }
        for store in stores.values { await close(store) }
    }
}
