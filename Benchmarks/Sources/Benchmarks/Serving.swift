import Foundation
import RawPostgres
import Sillok
import SillokPostgres

/// The store on a PostgreSQL server, beside what its own rows cost: `SILLOK_POSTGRES` says where the server is.
func serving(_ plan: Plan) async throws {
    guard let connection = ProcessInfo.processInfo.environment["SILLOK_POSTGRES"], !connection.isEmpty else {
        print("No server: SILLOK_POSTGRES names none.\n")
        return
    }
    let schema = "bench"
    let store = try await PostgresEventStore(connection, schema: schema)
    guard raw_postgres_create(connection, schema) == 0 else { throw RawFailure() }
    let served = Served(plan: plan, connection: connection, schema: schema, store: store)
    try await served.appends()
    try await served.reads()
    try await served.latency()
    await store.close()
}

private struct RawFailure: Error {}

private struct Served: Sendable {
    let plan: Plan
    let connection: String
    let schema: String
    let store: PostgresEventStore

    func appends() async throws {
        var table = Table("append", "Sillok events/s", "raw INSERT", "Sillok ÷ raw", "Sillok CPU µs/event")
        for (tasks, batch) in [(1, 1), (8, 1), (32, 1), (128, 1), (1, 100), (8, 100)] {
            let rounds = try await Rounds(
                plan.rounds,
                [
                    ("sillok", { try await append(tasks: tasks, batch: batch) }),
                    (
                        "raw",
                        { try await raw { raw_postgres_append(connection, Int32(tasks), Int32(batch), plan.seconds) } }
                    ),
                ])
            table.row(
                "\(batch == 1 ? "1 event" : "\(batch) events"), \(tasks) task\(tasks == 1 ? "" : "s")",
                short(rounds.rate("sillok")), short(rounds.rate("raw")),
                ratio(rounds.rate("sillok") / rounds.rate("raw")), short(rounds.cpu("sillok")))
        }
        table.print()
    }

    /// Tasks that append, each to its own stream, until the time is over.
    private func append(tasks: Int, batch: Int) async throws -> Sample {
        try await measure {
            let end = secondsNow() + plan.seconds
            return try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<tasks {
                    group.addTask {
                        let stream = StreamID("task", EventID().description)
                        var number = 0
                        while secondsNow() < end {
                            try await store.append(
                                (number..<number + batch).map { Workload.event($0) }, to: stream,
                                if: .revision(Revision(UInt64(number)), of: stream))
                            number += batch
                        }
                        return number
                    }
                }
                return try await group.reduce(0, +)
            }
        }
    }

    /// Runs the raw side on a thread that it may block.
    private func raw(_ body: @escaping @Sendable () -> Int) async throws -> Sample {
        try await measure {
            let events = await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume(returning: body()) }
            }
            guard events >= 0 else { throw RawFailure() }
            return events
        }
    }

    func reads() async throws {
        let names = Workload.Names()
        var number = Int(try await store.head().value)
        while number < plan.events {
            _ = try await store.append(AppendRequest((number..<number + 1000).map { names.entry($0) }))
            number += 1000
        }
        let rounds = try await Rounds(
            3,
            [
                ("sillok", { try await measure { try await count(store.pages(.all)) } }),
                ("raw", { try await raw { schema.withCString { raw_postgres_scan(connection, $0) } } }),
            ])
        let stream = try await measure {
            var events = 0
            for number in 0..<(plan.isQuick ? 20 : 100) {
                events += try await count(store.pages(.stream(Workload.stream(number * 37 % 1000))))
            }
            return events
        }
        var table = Table("read", "Sillok events/s", "raw SELECT", "takes")
        table.row(
            "all of \(short(Double(plan.events)))", short(rounds.rate("sillok")), short(rounds.rate("raw")),
            ratio(rounds.slowdown("sillok", against: "raw")))
        table.row("streams of about \(plan.events / 1000), one by one", short(stream.rate), "", "")
        table.print()
    }

    private func count(_ pages: EventPages) async throws -> Int {
        var events = 0
        for try await batch in pages { events += batch.events.count }
        return events
    }

    /// From the call of append to a subscriber of another store object, a hundred appends a second.
    func latency() async throws {
        let other = try await PostgresEventStore(connection, schema: schema, mode: .readOnly)
        let count = plan.isQuick ? 200 : 800
        let start = try await store.head()
        let seen = Task {
            var times: [Double] = []
            for try await batch in other.subscribe(after: start) {
                let now = secondsNow()
                times += batch.events.map { _ in now }
                if times.count >= count { break }
            }
            return times
        }
        var (called, answered): ([Double], [Double]) = ([], [])
        for number in 0..<count {
            try await Task.sleep(for: .milliseconds(10))
            called.append(secondsNow())
            try await store.append([Workload.event(number)], to: Workload.stream(number % 10))
            answered.append(secondsNow())
        }
        let delivered = try await seen.value
        await other.close()
        var table = Table("from the call of append to", "p50 ms", "p99 ms")
        for (label, ends) in [("its answer", answered), ("a subscriber with other connections", delivered)] {
            let taken = zip(called, ends).map { ($1 - $0) * 1e3 }
            table.row(label, short(taken.quantile(0.5)), short(taken.quantile(0.99)))
        }
        table.print()
    }
}
