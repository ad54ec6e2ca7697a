import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// What an opponent of the read side would try: another history, two beginners, many dead letters, large documents.
@Suite("read side under pressure")
struct ReadSideRaceTests {
    private let ada = Operator("Ada", because: "a test")

    @Test("a dead letter whose event is another one now is not redriven", arguments: Storage.stores)
    func otherHistory(on storage: Storage) async throws {
        let books = try await Books(storage)
        let id = try await books.store.storeID()
        let (first, second) = (MemoryEventStore(), MemoryEventStore())
        for (store, cents) in [(first, 5), (second, 6)] {
            for event: AccountEvent in [.opened(owner: "Ada"), .poisoned(cents: cents), .deposited(cents: cents)] {
                _ = try await store.append(InlineBooks.request(event, 1))
            }
        }
        let projector = Projector(Balances(), from: RenamedStore(base: first, id: id), into: books.model)
        try await projector.catchUp()
        #expect(try await projector.readSide.retry("balances", by: ada) == 2)
        var rule = Balances()
        rule.isMended = true
        let other = Projector(rule, from: RenamedStore(base: second, id: id), into: books.model)
        let failure = await #expect(throws: ProjectionFailure.self) { try await other.catchUp() }
        #expect((failure?.cause as? StoreError)?.code == .storeChanged)
        await #expect(throws: StoreError.self) { try await other.readSide.deadLetter(of: "balances", at: 2) }
        #expect(try await books.rows() == ["account-1": []])
        let right = Projector(rule, from: RenamedStore(base: first, id: id), into: books.model)
        try await right.catchUp()
        #expect(try await books.rows() == ["account-1": [5, 5]])
        await books.model.close()
    }

    @Test("of two versions that begin at once, the newer is live when it has caught up", arguments: Storage.stores)
    func twoBegin(on storage: Storage) async throws {
        let books = try await Books(storage, accounts: 1)
        let watched = WatchedModel(books.model)
        let first = Projector(Balances(), from: books.store, into: books.model)
        watched.before("INSERT INTO sillok_builds") { try await first.catchUp() }
        var rule = Balances()
        rule.version = 2
        let second = Projector(rule, from: books.store, into: watched)
        try await second.catchUp()
        #expect(try await second.readSide.status().map(\.build.state) == [.previous, .live])
        #expect(try await books.rows() == books.expected)
        await books.model.close()
    }

    @Test("a rebuild that cannot be begun does not take the live build down", arguments: Storage.stores)
    func brokenRebuild(on storage: Storage) async throws {
        struct Broken: Error {}
        var books = try await Books(storage)
        let watched = WatchedModel(books.model)
        let options = ProjectorOptions(pollInterval: .milliseconds(10))
        let projector = Projector(Balances(), from: books.store, into: watched, options: options)
        try await running(projector) {
            let first = try await books.append(.opened(owner: "Ada"), 1)
            _ = try await projector.model(atLeast: first, within: .seconds(120))
            watched.before("INSERT INTO sillok_builds VALUES") { throw Broken() }
            try await projector.readSide.requestRebuild(of: "balances", by: ada)
            let second = try await books.append(.deposited(cents: 1), 1)
            _ = try await projector.model(atLeast: second, within: .seconds(120))
            // Tried again, it is made.
            #expect(try await eventually { try await projector.readSide.status().last?.build.caughtUp != nil })
        }
        #expect(try await books.rows() == books.expected)
        await books.model.close()
    }

    @Test(
        "retrying many sequences reads each letter a few times, and not all of them for each", arguments: Storage.stores
    )
    func manyLetters(on storage: Storage) async throws {
        var books = try await Books(storage)
        let count = 300
        for account in 1...count {
            try await books.append(.opened(owner: "Ada"), account)
            try await books.append(.poisoned(cents: account), account)
        }
        let watched = WatchedModel(books.model)
        let once = ProjectorOptions(failures: .park(attempts: 1, pause: .zero, capacity: 1000))
        try await Projector(Balances(), from: books.store, into: watched, options: once).catchUp()
        var rule = Balances()
        rule.isMended = true
        let mended = Projector(rule, from: books.store, into: watched, options: once)
        #expect(try await mended.readSide.retry("balances", by: ada) == count)
        let before = watched.rowsRead
        try await mended.catchUp()
        #expect(try await mended.readSide.deadLetters().isEmpty)
        #expect(try await books.rows() == books.expected)
        #expect(watched.rowsRead - before < 20 * count)
        await books.model.close()
    }

    @Test("documents are held up to a number of bytes, and read again after that", arguments: Storage.stores)
    func largeDocuments(on storage: Storage) async throws {
        let place = Place(storage)
        let store = MemoryEventStore()
        let watched = WatchedModel(try await place.model())
        let text = String(repeating: "x", count: 1000)
        for turn in 1...3 {
            for number in 1...40 {
                let event = EventData(type: "written", text: turn == 1 ? "{\"text\":\"\(text)\"}" : "{\"text\":\"y\"}")
                try await store.append([event], to: StreamID("page-\(number)"))
            }
        }
        var options = ProjectorOptions(batch: 1)
        options.documentBytes = 20_000
        try await Projector(documents: Pages(), from: store, into: watched, options: options).catchUp()
        // Released documents are read again: one row for each document of a turn.
        #expect(watched.rowsRead >= 40)
        let lengths = try await watched.rows("SELECT LENGTH(document) AS length FROM pages")
        #expect(lengths.map { $0["length"].integer } == Array(repeating: Int64(text.utf8.count + 4), count: 40))
        await watched.model.close()
    }

    @Test("a sequence of which an event was skipped is rebuilt without that event", arguments: Storage.stores)
    func skippedStaysSkipped(on storage: Storage) async throws {
        var books = try await Books(storage, accounts: 1)
        try await books.append(.poisoned(cents: 2), 1)
        try await books.append(.deposited(cents: 3), 1)
        try await Projector(Balances(), from: books.store, into: books.model).catchUp()
        var rule = Balances()
        rule.isMended = true
        let projector = Projector(rule, from: books.store, into: books.model)
        await #expect(throws: ProjectionRefusal.self) {
            try await projector.rebuild(sequence: "account-1", events: .stream("account-1"), by: ada)
        }
        try await projector.readSide.skip("balances", at: 2, by: ada)
        try await projector.catchUp()
        #expect(try await books.rows() == ["account-1": [3]])
        #expect(try await projector.rebuild(sequence: "account-1", events: .stream("account-1"), by: ada) == 2)
        #expect(try await books.rows() == ["account-1": [3]])
        // What an operator has paused stays paused.
        try await projector.readSide.pause("balances", by: ada)
        try await projector.rebuild(sequence: "account-1", events: .stream("account-1"), by: ada)
        #expect(try await projector.readSide.status(of: "balances").first?.build.isPaused == true)
        await books.model.close()
    }

    @Test(
        "a long query of an application holds up its other queries, and not what a projector asks",
        arguments: Storage.stores)
    func longQuery(on storage: Storage) async throws {
        let place = Place(storage)
        let model = try await place.model()
        let answered = Lock<[String]>([])
        let count = storage == .sqlite ? 20_000_000 : 2_000_000
        @Sendable func ask(_ who: String, _ query: SQL) async throws {
            _ = try await model.rows(query)
            answered.withLock { $0.append(who) }
        }
        async let report: Void = ask(
            "report",
            """
            WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < \(count))
            SELECT count(*) FROM numbers
            """)
        async let page: Void = ask("page", "SELECT 1")
        async let projector: Void = ask("projector", SQL("SELECT * FROM sillok_builds").ofSillok)
        _ = try await (report, page, projector)
        #expect(answered.withLock { $0.last } != "projector")
        await model.close()
    }

    @Test("a projection that is paused or running refuses to catch up", arguments: Storage.stores)
    func catchUpRefused(on storage: Storage) async throws {
        var books = try await Books(storage)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        try await projector.catchUp()
        try await projector.readSide.pause("balances", by: ada)
        let receipt = try await books.append(.opened(owner: "Ada"), 1)
        await #expect(throws: ProjectionRefusal.self) { try await projector.catchUp() }
        #expect(try await books.rows().isEmpty)
        let live = Projector(Balances(), .live, from: books.store, into: books.model)
        await #expect(throws: StaleModel.self) { try await live.model(atLeast: receipt, within: .zero) }
        try await projector.readSide.resume("balances", by: ada)
        try await running(projector) {
            _ = try await projector.model(atLeast: receipt, within: .seconds(120))
            await #expect(throws: ProjectionRefusal.self) { try await projector.catchUp() }
        }
        await books.model.close()
    }
}

/// The longest text of each page.
private struct Pages: DocumentProjection {
    enum Event: Codable, Sendable { case written(text: String) }

    let name = "pages"
    let version = 1
    let source = EventQuery.category("page")

    func evolve(_ document: [String]?, _ event: Recorded<Event>) -> [String]? {
        guard case .written(let text) = event.payload else { return document }
        return [document?.first.flatMap { $0.utf8.count > text.utf8.count ? $0 : nil } ?? text]
    }
}
