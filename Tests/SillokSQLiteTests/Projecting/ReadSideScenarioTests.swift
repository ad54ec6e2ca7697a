import Foundation
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// The scenarios of the read side that need no kill; see docs/measurements.md.
@Suite("scenarios of the read side", .serialized)
struct ReadSideScenarioTests {
    private let ada = Operator("Ada", because: "the scenario says so")

    private func append(_ event: AccountEvent, _ stream: StreamID, in store: any EventStore) async throws -> Receipt {
        try await store.append([EventCoding<AccountEvent>().encode(event)], to: stream)
    }

    @Test("PRJ-5: four concurrent writers each read their own write", arguments: Storage.stores)
    func readYourWrites(on storage: Storage) async throws {
        let place = Place(storage)
        let store = try await place.log()
        let model = try await place.model()
        let projector = Projector(Balances(), from: store, into: model)
        let writes = times("SILLOK_READ_YOUR_WRITES", 2000)
        let stale = try await running(projector) {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for writer in 1...4 {
                    group.addTask {
                        let stream = StreamID("account-\(writer)")
                        _ = try await append(.opened(owner: "Ada"), stream, in: store)
                        var stale = 0
                        for number in 1...writes / 4 {
                            let receipt = try await append(.deposited(cents: 1), stream, in: store)
                            let rows = try await projector.model(atLeast: receipt, within: .seconds(120)).rows(
                                "SELECT cents FROM accounts WHERE account = \(stream)")
                            if rows.first?["cents"].integer != Int64(number) { stale += 1 }
                        }
                        return stale
                    }
                }
                return try await group.reduce(0, +)
            }
        }
        print("PRJ-5: \(writes) writes by 4 writers, \(stale) stale")
        #expect(stale == 0)
        await model.close()
    }

    @Test(
        "PRJ-3: while 16 write and others read, a rebuild is promoted, and no reader sees a part of it",
        arguments: Storage.stores)
    func rebuildBeside(on storage: Storage) async throws {
        let place = Place(storage)
        let store = try await place.log()
        let model = try await place.model()
        let projector = Projector(Balances(), from: store, into: model)
        let rounds = times("SILLOK_REBUILDS", 3)
        for account in 1...16 { _ = try await append(.opened(owner: ""), "account-\(account)", in: store) }
        let reads = Lock(0)
        try await running(projector) {
            _ = try await projector.model(atLeast: store.head(), within: .seconds(120))
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                for account in 1...16 {
                    group.addTask {
                        while !Task.isCancelled {
                            _ = try await append(.deposited(cents: 1), StreamID("account-\(account)"), in: store)
                            try await Task.sleep(for: .milliseconds(20))
                        }
                    }
                }
                for _ in 0..<2 { group.addTask { try await watch(model, reads) } }
                for _ in 0..<rounds {
                    try await projector.rebuild(by: ada)
                    while true {
                        do {
                            try await projector.readSide.promote("balances", by: ada)
                            break
                        } catch is ProjectionRefusal {
                            try await Task.sleep(for: .milliseconds(5))
                        }
                    }
                }
            }
            _ = try await projector.model(atLeast: store.head(), within: .seconds(120))
        }
        let verification = try await projector.readSide.verify("balances")
        #expect(verification.findings.isEmpty)
        let total = try await model.rows("SELECT SUM(cents) AS total FROM accounts").first?["total"].integer
        #expect(total == Int64(try await store.head().value) - 16)
        #expect(reads.withLock { $0 } > 0)
        print("PRJ-3: \(rounds) rebuilds beside 16 writers, \(reads.withLock { $0 }) reads, total \(total ?? 0)")
        await model.close()
    }

    /// All accounts are there in each state, and the sum never falls by more than a build may be behind: a promoted
    /// build has come as far as the one before.
    private func watch(_ model: TestedModel, _ reads: Lock<Int>) async throws {
        var last: Int64 = 0
        while !Task.isCancelled {
            guard let row = try await model.rows("SELECT COUNT(*) AS n, SUM(cents) AS total FROM accounts").first,
                row["n"].integer == 16
            else { continue }
            let total = row["total"].integer ?? 0
            #expect(total >= last)
            last = total
            reads.withLock { $0 += 1 }
        }
    }

    /// Reads at least an event that is in the rows, or that is a dead letter.
    private func read(_ projector: Projector<some ReadModel>, _ position: Position, isParked: Bool) async throws {
        do {
            _ = try await projector.model(atLeast: position, within: .seconds(120))
            #expect(!isParked)
        } catch is ParkedEvent where isParked {}
    }

    @Test(
        "DLQ-1 to 3: of 1,000 sequences one is poisoned; the others continue, and it is redriven while it grows",
        arguments: Storage.stores)
    func deadLetters(on storage: Storage) async throws {
        let place = Place(storage)
        let store = try await place.log()
        let model = try await place.model()
        let sequences = times("SILLOK_SEQUENCES", 1000)
        let poisoned = Projector(Balances(), from: store, into: model)
        var slowest = Duration.zero
        for number in 1...sequences { _ = try await append(.opened(owner: ""), "account-\(number)", in: store) }
        let first = try await append(.poisoned(cents: 1), "account-7", in: store)
        try await running(poisoned) {
            try await read(poisoned, first.position, isParked: true)
            for number in 1...sequences {
                let receipt = try await append(.deposited(cents: 2), StreamID("account-\(number)"), in: store)
                let time = try await ContinuousClock().measure {
                    try await read(poisoned, receipt.position, isParked: number == 7)
                }
                slowest = max(slowest, time)
            }
        }
        #expect(
            try await model.rows("SELECT COUNT(*) AS n FROM accounts WHERE cents = 2").first?["n"]
                == .integer(Int64(sequences) - 1))
        #expect(try await poisoned.readSide.deadLetters(of: "balances").count == 2)
        var rule = Balances()
        rule.isMended = true
        let mended = Projector(rule, from: store, into: model)
        try await running(mended) {
            for turn in 1...100 {
                let receipt = try await append(.deposited(cents: 3), "account-7", in: store)
                if turn == 30 { try await mended.readSide.retry("balances", by: ada) }
                if turn == 100 {
                    #expect(try await eventually { try await mended.readSide.deadLetters(of: "balances").isEmpty })
                    _ = try await mended.model(atLeast: receipt, within: .seconds(120))
                }
            }
        }
        let row = try await model.rows("SELECT steps FROM accounts WHERE account = 'account-7'").first
        #expect(row?["steps"] == .text("1 2 " + String(repeating: "3 ", count: 100)))
        #expect(try await mended.readSide.verify("balances").findings.isEmpty)
        print("DLQ: \(sequences) sequences, one poisoned; the others visible after at most \(slowest)")
        await model.close()
    }

    @Test("PRJ-4: one log over 1 to 16 partitions gives the same rows", arguments: Storage.stores)
    func partitions(on storage: Storage) async throws {
        var random = SeededGenerator.printed("PRJ-4")
        var books = try await Books(storage)
        try await books.fill(40, times("SILLOK_PARTITIONED_EVENTS", 1500), &random)
        let query: SQL = "SELECT * FROM accounts ORDER BY account"
        var expected: [SQLRow]?
        for partitions in 1...16 {
            let model = try await books.place.freshModel()
            try await Projector(Balances(), from: books.store, into: model, options: .init(partitions: partitions))
                .catchUp()
            let rows = try await model.rows(query)
            if let expected { #expect(rows == expected, "\(partitions) partitions") }
            expected = expected ?? rows
            await model.close()
        }
        #expect(expected?.count == 40)
        await books.model.close()
    }

    @Test("SUB-4: subscribers that do not read cost no memory, and do not affect others")
    func stalledSubscribers() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder())
        let (subscribers, stalled) = (times("SILLOK_SUBSCRIBERS", 100), times("SILLOK_SUBSCRIBERS", 100) / 20)
        let events = times("SILLOK_APPENDED_MB", 10) * 16
        let payload = Array("\"\(String(repeating: "x", count: 65_000))\"".utf8)
        let before = residentBytes()
        var (grown, held) = (0, 0)
        let delivered = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<subscribers {
                group.addTask {
                    var seen = 0
                    for try await batch in store.subscribe() {
                        seen += batch.events.count
                        if number < stalled {
                            // It holds its batch and asks for no other, until the end.
                            try? await store.reach(Position(.max))
                            return withExtendedLifetime(batch) { 0 }
                        }
                        if seen == events { break }
                    }
                    return seen
                }
            }
            for _ in 0..<events { try await store.append([EventData(type: "noted", payload: payload)], to: "a-1") }
            var (sum, rest) = (0, subscribers - stalled)
            while rest > 0, let seen = try await group.next() { (sum, rest) = (sum + seen, rest - 1) }
            grown = residentBytes() - before
            giveBackFreeMemory()
            held = residentBytes() - before
            group.cancelAll()
            return sum
        }
        #expect(delivered == (subscribers - stalled) * events)
        print(
            "SUB-4: \(subscribers) subscribers, \(stalled) stalled, \(events * payload.count / 1_048_576) MB appended:",
            "\(delivered) events delivered, memory grew by \(grown >> 20) MB, of which \(held >> 20) MB are in use")
        await store.close()
    }

    /// Makes the allocator return freed memory to the system, so that only memory in use is measured.
    private func giveBackFreeMemory() {
        #if canImport(Glibc)
        typealias Trim = @convention(c) (Int) -> Int32
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(symbol, to: Trim.self)(0)
        #endif
    }

    /// What the process holds in memory, files that are mapped left out.
    private func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
    }
}
