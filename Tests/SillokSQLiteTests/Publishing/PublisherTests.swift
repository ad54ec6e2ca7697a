import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

/// A sink that remembers what it took, in order, and refuses the events of some streams.
private final class Mailbox: Sendable {
    struct Broken: Error, CustomStringConvertible { let description = "the mail server is broken" }

    private struct State {
        var taken: [RecordedEvent] = []
        var refused: Set<StreamID> = []
        var attempts = 0
    }

    private let state = Lock(State())

    init(refusing streams: StreamID...) { state.withLock { $0.refused = Set(streams) } }

    var taken: [RecordedEvent] { state.withLock { $0.taken } }
    var positions: [UInt64] { taken.map(\.position.value) }
    var attempts: Int { state.withLock { $0.attempts } }

    func repair() { state.withLock { $0.refused = [] } }

    func take(_ event: RecordedEvent) async throws {
        await Task.yield()
        try state.withLock { state in
            state.attempts += 1
            if let stream = event.stream, state.refused.contains(stream) { throw Broken() }
            state.taken.append(event)
        }
    }
}

@Suite("publishers")
struct PublisherTests {
    private let ada = Operator("Ada", because: "it is a test")

    private func options(_ failures: FailurePolicy = .park) -> ProjectorOptions {
        var options = ProjectorOptions.publishing
        options.failures = failures
        options.pollInterval = .milliseconds(20)
        return options
    }

    /// A publisher of all events of a store.
    private func mails(
        _ mailbox: Mailbox, of store: any EventStore, in model: some ReadModel, _ failures: FailurePolicy = .park
    ) -> Publisher {
        Publisher(
            "mails", from: store, progressIn: model, starting: .atBeginning, options: options(failures), mailbox.take)
    }

    private func append(_ count: Int, to stream: StreamID, of store: any EventStore) async throws {
        try await store.append((0..<count).map { EventData(type: "noted", text: "\($0)") }, to: stream)
    }

    @Test(
        "PRC-28: a key that the sink refuses is parked with what follows, all others go out", arguments: Storage.tested)
    func parking(on storage: Storage) async throws {
        let place = Place(storage)
        let (store, model) = (MemoryEventStore(), try await place.model())
        let mailbox = Mailbox(refusing: "b-1")
        let parking = FailurePolicy.park(attempts: 2, pause: .milliseconds(10), capacity: 100)
        let publisher = mails(mailbox, of: store, in: model, parking)
        for stream: StreamID in ["a-1", "b-1", "a-1", "b-1", "c-1"] { try await append(1, to: stream, of: store) }
        try await publisher.catchUp()
        #expect(mailbox.positions == [1, 3, 5])
        // The first was tried twice, the one behind it never.
        #expect(mailbox.attempts == 5)
        let letters = try await publisher.readSide.deadLetters(of: "mails")
        #expect(letters.map(\.position) == [2, 4] && letters.map(\.state) == [.failed, .behind])
        #expect(letters.first?.reason == "the mail server is broken")
        mailbox.repair()
        #expect(try await publisher.readSide.retry("mails", by: ada) == 2)
        try await publisher.catchUp()
        #expect(mailbox.positions == [1, 3, 5, 2, 4])
        #expect(try await publisher.readSide.deadLetters(of: "mails").isEmpty)
        await model.close()
    }

    @Test("PRC-26: sixteen writers at once: each key in order, nothing twice, nothing missing", arguments: [1, 8])
    func writers(concurrency: Int) async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder("log.sqlite"))
        let model = try SQLiteReadModel()
        let mailbox = Mailbox()
        let publisher = Publisher(
            "mails", from: store, progressIn: model, concurrency: concurrency, options: options(), mailbox.take)
        try await publisher.prepare()
        try await running(publisher.run) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<16 {
                    group.addTask { for _ in 0..<20 { try await append(1, to: "w-\(writer)", of: store) } }
                }
                try await group.waitForAll()
            }
            #expect(try await eventually { mailbox.taken.count >= 320 })
        }
        #expect(Set(mailbox.positions) == Set(1...320) && mailbox.positions.count == 320)
        for (_, events) in Dictionary(grouping: mailbox.taken, by: \.stream) {
            #expect(events.map(\.revision.value) == Array(1...20))
        }
        await model.close()
        await store.close()
    }

    @Test("PRC-27: a publisher that is stopped at any event passes every event on, in order", arguments: Storage.tested)
    func stops(on storage: Storage) async throws {
        var random = SeededGenerator.printed("publisher stops")
        let place = Place(storage)
        let (store, model) = (MemoryEventStore(), try await place.model())
        for _ in 0..<60 { try await append(1, to: "a-\(Int.random(in: 1...4, using: &random))", of: store) }
        let taken = Lock([RecordedEvent]())
        var (runs, last) = (0, 0)
        while last < 60 {
            runs += 1
            let limit = last + Int.random(in: 1...20, using: &random)
            var small = options()
            small.batch = 7
            let count = Lock(last)
            let publisher = Publisher(
                "mails", from: store, progressIn: model, starting: .atBeginning, options: small
            ) { event in
                // The process is gone before the sink has answered.
                if count.withLock({ $0 >= limit }) { withUnsafeCurrentTask { $0?.cancel() } }
                try Task.checkCancellation()
                taken.withLock { $0.append(event) }
                count.withLock { $0 += 1 }
            }
            try? await publisher.catchUp()
            last = Set(taken.withLock { $0 }.map(\.position)).count
        }
        let events = taken.withLock { $0 }
        #expect(Set(events.map(\.position.value)) == Set(1...60))
        for (_, events) in Dictionary(grouping: events, by: \.stream) {
            // Without the repeats the order is that of the stream.
            var seen: Set<Revision> = []
            let first = events.map(\.revision).filter { seen.insert($0).inserted }
            #expect(first == first.sorted())
        }
        // Each stop repeats a page at most.
        #expect(events.count <= 60 + runs * 7)
        await model.close()
    }

    @Test("with a lease several publishers share the work, and each event is passed on once")
    func lease() async throws {
        let (store, model) = (MemoryEventStore(), try SQLiteReadModel())
        let mailbox = Mailbox()
        var leased = options()
        leased.lease = .seconds(10)
        let publishers = (0..<3).map { _ in
            Publisher("mails", from: store, progressIn: model, starting: .atBeginning, options: leased, mailbox.take)
        }
        let tasks = publishers.map { publisher in Task { try await publisher.run() } }
        for _ in 0..<50 { try await append(1, to: "a-1", of: store) }
        #expect(try await eventually { mailbox.taken.count >= 50 })
        for task in tasks {
            task.cancel()
            _ = await task.result
        }
        #expect(mailbox.positions == Array(1...50))
        await model.close()
    }

    @Test("PRC-27: a paused publisher keeps its place, and continues with exactly the rest", arguments: Storage.tested)
    func pausing(on storage: Storage) async throws {
        let place = Place(storage)
        let (store, model) = (MemoryEventStore(), try await place.model())
        let mailbox = Mailbox()
        let publisher = mails(mailbox, of: store, in: model)
        try await append(3, to: "a-1", of: store)
        try await publisher.catchUp()
        try await publisher.readSide.pause("mails", by: ada)
        try await append(3, to: "a-1", of: store)
        await #expect(throws: (any Error).self) { try await publisher.catchUp() }
        #expect(mailbox.positions == [1, 2, 3])
        try await publisher.readSide.resume("mails", by: ada)
        try await publisher.catchUp()
        #expect(mailbox.positions == [1, 2, 3, 4, 5, 6])
        await model.close()
    }

    @Test("a publisher is redriven from a position, also while it runs; it is not rebuilt", arguments: Storage.tested)
    func redrive(on storage: Storage) async throws {
        let place = Place(storage)
        let (store, model) = (MemoryEventStore(), try await place.model())
        let mailbox = Mailbox(refusing: "b-1")
        let publisher = mails(mailbox, of: store, in: model, .park(attempts: 1, pause: .zero, capacity: 100))
        try await running(publisher.run) {
            for stream: StreamID in ["a-1", "b-1", "a-1"] { try await append(1, to: stream, of: store) }
            #expect(try await eventually { mailbox.positions == [1, 3] })
            mailbox.repair()
            try await publisher.redrive(from: 2, by: ada)
            #expect(try await eventually { mailbox.positions == [1, 3, 2, 3] })
        }
        #expect(try await publisher.readSide.deadLetters(of: "mails").isEmpty)
        try await publisher.redrive(from: 1, by: ada)
        try await publisher.catchUp()
        #expect(mailbox.positions == [1, 3, 2, 3, 1, 2, 3])
        await #expect(throws: ProjectionRefusal.self) { try await publisher.redrive(from: 5, by: ada) }
        await #expect(throws: ProjectionRefusal.self) {
            try await publisher.readSide.requestRebuild(of: "mails", by: ada)
        }
        await #expect(throws: ProjectionRefusal.self) { try await publisher.readSide.verify("mails") }
        #expect(try await publisher.readSide.audit().map(\.action) == ["redrive", "redrive"])
        await model.close()
    }

    @Test("a new publisher starts at the head or at the beginning; Sillok's own events leave only if asked for")
    func whatAndFromWhere() async throws {
        let (store, model) = (MemoryEventStore(), try SQLiteReadModel())
        try await append(1, to: "a-1", of: store)
        let boxes = (0..<4).map { _ in Mailbox() }
        let publishers = [
            Publisher("new", from: store, progressIn: model, options: options(), boxes[0].take),
            Publisher("all", from: store, progressIn: model, starting: .atBeginning, options: options(), boxes[1].take),
            Publisher(
                "own", of: .category("webhook:endpoint"), from: store, progressIn: model, starting: .atBeginning,
                options: options(), boxes[2].take),
            Publisher(
                "one", of: .all.or(.stream("process:checkout-1")), from: store, progressIn: model,
                starting: .atBeginning, options: options(), boxes[3].take),
        ]
        for publisher in publishers { try await publisher.prepare() }
        for stream: StreamID in ["a-1", "webhook:endpoint-1", "process:checkout-1", "schedule:x-1", "webhooks-1"] {
            try await append(1, to: stream, of: store)
        }
        for publisher in publishers { try await publisher.catchUp() }
        #expect(boxes.map(\.positions) == [[2, 6], [1, 2, 6], [3], [1, 2, 4, 6]])
        await model.close()
    }

    @Test("at its limit of dead letters a publisher stops, passes nothing on twice, and continues when they are gone")
    func full() async throws {
        let (store, model) = (MemoryEventStore(), try SQLiteReadModel())
        let mailbox = Mailbox(refusing: "b-1", "b-2", "b-3")
        let publisher = mails(mailbox, of: store, in: model, .park(attempts: 1, pause: .zero, capacity: 2))
        for stream: StreamID in ["a-1", "b-1", "b-2"] { try await append(1, to: stream, of: store) }
        try await publisher.catchUp()
        for stream: StreamID in ["a-1", "b-3", "a-1"] { try await append(1, to: stream, of: store) }
        for _ in 0..<3 { await #expect(throws: ProjectionFailure.self) { try await publisher.catchUp() } }
        #expect(mailbox.positions == [1])
        mailbox.repair()
        try await publisher.readSide.retry("mails", by: ada)
        try await publisher.catchUp()
        #expect(mailbox.positions.sorted() == [1, 2, 3, 4, 5, 6])
        await model.close()
    }

    @Test("commands that a sink executes have the event as their cause")
    func causes() async throws {
        let (store, model) = (MemoryEventStore(), try SQLiteReadModel())
        let seen = Lock([Metadata]())
        let publisher = Publisher(
            "mails", from: store, progressIn: model, starting: .atBeginning, options: options()
        ) { _ in seen.withLock { $0.append(.current) } }
        try await append(1, to: "a-1", of: store)
        try await publisher.catchUp()
        let event = try await store.read(.all).events.first
        #expect(seen.withLock { $0 }.map(\.causationID) == [event?.id.description])
        await model.close()
    }
}

@Suite("publishers to another store")
struct StorePublisherTests {
    @Test("each event is in the other store once, after stops at any append and with two runners", arguments: [1, 2])
    func once(runners: Int) async throws {
        var random = SeededGenerator.printed("store publisher")
        let folder = TemporaryFolder()
        let source = try SQLiteEventStore(path: folder("source.sqlite"))
        let target = try SQLiteEventStore(path: folder("target.sqlite"))
        let publisher = StorePublisher("shop", of: .category("order"), from: source, to: target)
        for round in 0..<8 {
            for _ in 0..<25 {
                let stream: StreamID = random.once(in: 3) ? "other-1" : "order-\(Int.random(in: 1...5, using: &random))"
                try await source.append([EventData(type: "noted", text: "\(round)")], to: stream)
            }
            let tasks = (0..<runners).map { _ in Task { try await publisher.run() } }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...30, using: &random)))
            for task in tasks {
                task.cancel()
                _ = await task.result
            }
            // The other store has writers of its own.
            try await target.append([EventData(type: "own", text: "1")], to: "own-1")
        }
        try await publisher.catchUp()
        let wanted = try await source.read(.category("order")).events
        let found = try await target.read(.category("order")).events
        #expect(found.map(\.data) == wanted.map(\.data) && found.map(\.stream) == wanted.map(\.stream))
        let head = try await source.head()
        #expect(try await target.tracking(of: "shop")?.position == head.value)
        await source.close()
        await target.close()
    }

    @Test(
        "reserved: what the runners of Sillok recorded stays in its log, unless it is asked for",
        arguments: [true, false])
    func reserved(isAsked: Bool) async throws {
        let (source, target) = (MemoryEventStore(), MemoryEventStore())
        for stream: StreamID in ["order-1", "process:checkout-1", "schedule:mail-1", "order-2"] {
            try await source.append([EventData(type: "noted", text: "1")], to: stream)
        }
        let query: EventQuery = isAsked ? .all.or(.category("process:checkout")) : .all
        try await StorePublisher("shop", of: query, from: source, to: target).catchUp()
        let streams = try await target.read(.all).events.map { $0.stream?.text ?? "" }
        #expect(streams == (isAsked ? ["order-1", "process:checkout-1", "order-2"] : ["order-1", "order-2"]))
    }

    @Test("a function makes other events, none or several; large pages are divided by the limits of the other store")
    func transform() async throws {
        let source = MemoryEventStore()
        var limits = Limits()
        limits.batchEvents = 5
        let target = MemoryEventStore(limits: limits)
        try await source.append((0..<12).map { EventData(type: "noted", text: "\($0)") }, to: "order-1")
        let publisher = StorePublisher("shop", from: source, to: target) { event in
            (0..<Int(event.revision.value % 3)).map { copy in
                .init(stream: "copy-1", event: EventData(type: "copied", text: "[\(event.revision),\(copy)]"))
            }
        }
        try await publisher.catchUp()
        try await publisher.catchUp()
        let texts = try await target.read(.all).events.map { String(decoding: $0.payload, as: UTF8.self) }
        #expect(
            texts == [
                "[1,0]", "[2,0]", "[2,1]", "[4,0]", "[5,0]", "[5,1]", "[7,0]", "[8,0]", "[8,1]", "[10,0]", "[11,0]",
                "[11,1]",
            ])
        #expect(try await target.tracking(of: "shop")?.position == 12)
    }
}
