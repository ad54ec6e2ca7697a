import SillokProjectionMachine
import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// A read model whose rows take long to write: until the runner has shown three signs of life.
private struct SlowModel<Model: ReadModel>: ReadModel {
    let model: Model

    func write(_ write: ReadModelWrite) async throws {
        let hasRows = write.changes.contains { $0.statement.text { _ in "?" }.hasPrefix("INSERT INTO \"seen\"") }
        while hasRows, try await model.rows("SELECT 1 FROM sillok_checkpoints WHERE beat >= 3").isEmpty {
            try await Task.sleep(for: .milliseconds(2))
        }
        try await model.write(write)
    }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await model.rows(query, of: projection)
    }
}

/// Counts the statements that renew leases, and may renew those of other processes too: a bug.
private struct CountedModel<Model: ReadModel>: ReadModel {
    let model: Model
    var renewsAll = false
    let counts = Lock((writes: 0, renewals: 0))

    func write(_ write: ReadModelWrite) async throws {
        var write = write
        let count = write.changes.count { $0.statement.text { _ in "?" }.contains("SET beat") }
        counts.withLock { $0 = ($0.writes + 1, $0.renewals + count) }
        if count > 0, renewsAll { write.changes = [.init("UPDATE sillok_checkpoints SET beat = beat + 1")] }
        try await model.write(write)
    }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await model.rows(query, of: projection)
    }

    /// The heartbeats, by partition.
    func beats() async throws -> [Int64] {
        try await model.rows("SELECT beat FROM sillok_checkpoints ORDER BY \"partition\"")
            .map { try $0.integer("beat") }
    }
}

/// Records the position of each event.
private struct Seen: Projection {
    let name = "once"
    let version = 1
    let source = EventQuery.category("account")
    let schema: [SQL] = ["CREATE TABLE \(table: "seen") (position BIGINT PRIMARY KEY)"]

    func project(_ event: Recorded<AccountEvent>) throws -> [SQL] {
        ["INSERT INTO \(table: "seen") VALUES (\(event.position))"]
    }
}

@Suite("leases")
struct LeaseTests {
    private func options(_ lease: Duration, partitions: Int = 2) -> ProjectorOptions {
        ProjectorOptions(partitions: partitions, lease: lease, pollInterval: .milliseconds(10))
    }

    @Test("a process that runs and holds no partition reads its own writes", arguments: Storage.stores)
    func freshElsewhere(on storage: Storage) async throws {
        var books = try await Books(storage)
        let other = try await books.place.model()
        let options = options(.seconds(3600), partitions: 1)
        let holder = Projector(Balances(), from: books.store, into: other, options: options)
        let idle = Projector(Balances(), from: books.store, into: books.model, options: options)
        try await running(holder) {
            let first = try await books.append(.opened(owner: "Ada"), 1)
            _ = try await holder.model(atLeast: first, within: .seconds(120))
            try await running(idle) {
                for cents in 1...5 {
                    let receipt = try await books.append(.deposited(cents: cents), 1)
                    _ = try await idle.model(atLeast: receipt, within: .seconds(120))
                    #expect(try await books.rows() == books.expected)
                }
                let poison = try await books.append(.poisoned(cents: 6), 1)
                await #expect(throws: ParkedEvent.self) {
                    try await idle.model(atLeast: poison, within: .seconds(120))
                }
            }
        }
        await other.close()
        await books.model.close()
    }

    @Test("a runner that ends releases its partitions: the next one does not wait", arguments: Storage.stores)
    func givesUp(on storage: Storage) async throws {
        var books = try await Books(storage)
        for turn in 1...3 {
            let projector = Projector(
                Balances(), from: books.store, into: books.model, options: options(.seconds(3600)))
            let receipt = try await books.append(turn == 1 ? .opened(owner: "Ada") : .deposited(cents: turn), 1)
            if turn == 2 {
                try await projector.catchUp()
            } else {
                try await running(projector) { _ = try await projector.model(atLeast: receipt, within: .seconds(120)) }
            }
            #expect(try await books.rows() == books.expected)
        }
        await books.model.close()
    }

    @Test("processes that join get their share of partitions, and the rows equal the fold", arguments: Storage.stores)
    func shares(on storage: Storage) async throws {
        var random = SeededGenerator.printed("shares of partitions")
        var books = try await Books(storage)
        try await books.fill(20, 300, &random)
        let models = [books.model, try await books.place.model(), try await books.place.model()]
        let (store, options) = (books.store, options(.seconds(3600), partitions: 16))
        let projectors = models.map { Projector(Balances(), from: store, into: $0, options: options) }
        let held: @Sendable (Int) -> [Int] = { count in projectors[..<count].map(\.heldPartitions.count).sorted() }
        try await running(projectors[0]) {
            #expect(try await eventually { held(1) == [16] })
            try await running(projectors[1]) {
                #expect(try await eventually { held(2) == [8, 8] })
                try await running(projectors[2]) {
                    for cents in 1...300 {
                        try await books.append(.deposited(cents: cents), .random(in: 1...20, using: &random))
                    }
                    #expect(try await eventually { held(3) == [5, 5, 6] })
                    for projector in projectors {
                        _ = try await projector.model(atLeast: books.store.head(), within: .seconds(120))
                    }
                    #expect(try await books.rows() == books.expected)
                }
                #expect(try await eventually { held(2).reduce(0, +) == 16 })
                let receipt = try await books.append(.deposited(cents: 1), 1)
                _ = try await projectors[1].model(atLeast: receipt, within: .seconds(120))
            }
        }
        #expect(try await books.rows() == books.expected)
        for model in models { await model.close() }
    }

    @Test("a process takes no deliveries from another that is at work on them")
    func publishers() async throws {
        var books = try await Books(.sqlite)
        let other = try await books.place.model()
        let options = options(.seconds(3600), partitions: 4)
        func publisher(_ model: TestedModel) -> Projector<TestedModel> {
            Projector(ProjectionRule(Balances()), .async, books.store, model, options)
        }
        let (holder, idle) = (publisher(books.model), publisher(other))
        try await running(holder) {
            #expect(try await eventually { holder.heldPartitions.count == 4 })
            try await running(idle) {
                for cents in 1...3 {
                    let receipt = try await books.append(.deposited(cents: cents), 1)
                    _ = try await idle.model(atLeast: receipt, within: .seconds(120))
                }
                #expect(idle.heldPartitions.isEmpty && holder.heldPartitions.count == 4)
            }
        }
        await other.close()
        await books.model.close()
    }

    @Test("a runner whose write takes long shows signs of life meanwhile", arguments: Storage.stores)
    func beats(on storage: Storage) async throws {
        var books = try await Books(storage)
        let model = SlowModel(model: books.model)
        let options = ProjectorOptions(lease: .milliseconds(30), pollInterval: .milliseconds(10))
        let projector = Projector(Seen(), from: books.store, into: model, options: options)
        try await running(projector) {
            let receipt = try await books.append(.opened(owner: "Ada"), 1)
            _ = try await projector.model(atLeast: receipt, within: .seconds(300))
            #expect(try await model.rows("SELECT position FROM seen").map(\.values) == [[1]])
        }
        await books.model.close()
    }

    @Test("a process that ran before sees the events that another process parked", arguments: Storage.stores)
    func parkedElsewhere(on storage: Storage) async throws {
        var books = try await Books(storage)
        let other = try await books.place.model()
        let first = Projector(Balances(), from: books.store, into: books.model)
        try await running(first) {
            let receipt = try await books.append(.opened(owner: "Ada"), 1)
            _ = try await first.model(atLeast: receipt, within: .seconds(120))
        }
        let poison = try await books.append(.poisoned(cents: 1), 1)
        try await Projector(Balances(), from: books.store, into: other).catchUp()
        await #expect(throws: ParkedEvent.self) { try await first.model(atLeast: poison, within: .seconds(120)) }
        await other.close()
        await books.model.close()
    }

    @Test("one statement renews the leases of 64 idle partitions", arguments: Storage.stores)
    func renewals(on storage: Storage) async throws {
        var books = try await Books(storage)
        let model = CountedModel(model: books.model)
        var options = options(.milliseconds(150))
        options.partitions = 64
        let projector = Projector(Seen(), from: books.store, into: model, options: options)
        try await running(projector) {
            let receipt = try await books.append(.opened(owner: "Ada"), 1)
            _ = try await projector.model(atLeast: receipt, within: .seconds(120))
            // Each partition stores once that it has passed the event.
            let behind: SQL = "SELECT 1 FROM sillok_checkpoints WHERE position < \(receipt.position)"
            #expect(try await eventually { try await model.rows(behind).isEmpty })
            let (before, beats) = (model.counts.withLock { $0 }, try await model.beats())
            #expect(try await eventually { try await model.beats()[0] >= beats[0] + 10 })
            let (after, ends) = (model.counts.withLock { $0 }, try await model.beats())
            let renewed = after.renewals - before.renewals
            #expect((9..<64).contains(renewed), "\(renewed)")
            #expect(after.writes - before.writes == renewed)
            #expect(Set(zip(beats, ends).map { $1 - $0 }).count == 1)
        }
        let owners = try await books.model.rows("SELECT DISTINCT owner FROM sillok_checkpoints")
        #expect(owners.map(\.values) == [[""]])
        await books.model.close()
    }

    @Test("a lease that another process took is not renewed; a renewal that ignores the holder is noticed")
    func strangers() async throws {
        for renewsAll in [false, true] {
            var books = try await Books(.sqlite)
            let model = CountedModel(model: books.model, renewsAll: renewsAll)
            let projector = Projector(
                Seen(), from: books.store, into: model, options: options(.milliseconds(300)))
            try await running(projector) {
                let receipt = try await books.append(.opened(owner: "Ada"), 1)
                _ = try await projector.model(atLeast: receipt, within: .seconds(120))
                // Another process becomes the holder of partition 1, and dies.
                try await model.model.write(
                    ReadModelWrite([
                        .init(
                            "UPDATE sillok_checkpoints SET owner = 'dead', token = token + 1 WHERE \"partition\" = 1")
                    ]))
                let isTaken: () async throws -> Bool = {
                    try await model.rows("SELECT 1 FROM sillok_checkpoints WHERE owner = 'dead'").isEmpty
                }
                let before = try await model.beats()
                if renewsAll {
                    // The dead process seems to live, so its partition is never projected again.
                    #expect(try await eventually { try await model.beats()[1] >= before[1] + 12 })
                    #expect(try await !isTaken())
                } else {
                    #expect(try await eventually { try await isTaken() })
                    #expect(try await eventually { try await model.beats()[1] > before[1] })
                }
            }
            await books.model.close()
        }
    }
}
