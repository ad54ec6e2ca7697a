import SillokChain
import SillokProjections
import SillokSQLite
import SillokSigning
import Testing

/// A store in a file of format 3, with tags, tracking, a chain, and an inline read model of format 1.
@Suite("fixtures of 0672aac: a store in a file")
struct StoreFixtureTests {
    private let files: FixtureCopy

    init() throws { files = try FixtureCopy() }

    @Test("fixtures of 0672aac: the store opens for reading without a change, and has its events, streams and tracking")
    func reading() async throws {
        let store = try SQLiteEventStore(path: files("bank.store"), mode: .readOnly)
        #expect(try await store.head() == Position(Fixtures.events))
        try await expectBank(store)
        #expect(try await store.verify().findings == [])
        let chain = try #require(try await store.verifyChain())
        #expect(chain.isIntact && chain.events == Fixtures.events)
        await store.close()
    }

    @Test("fixtures of 0672aac: the store is converted, verified, appended to, and still has what was signed")
    func writing() async throws {
        let before = try SQLiteEventStore(path: files("bank.store"), mode: .readOnly)
        let events = try await before.everything()
        await before.close()
        let store = try SQLiteEventStore(path: files("bank.store"), mode: .existing)
        #expect(try await store.everything() == events)
        try await expectBank(store)
        try await expectAppends(store, after: events)
        #expect(try await store.verify().findings == [])
        let chain = try #require(try await store.verifyChain())
        let head = try await store.head()
        #expect(chain.isIntact && chain.through == head && chain.chain.start == 1)

        let signed = try SignedHead(text: Fixtures.text("bank.head"))
        let key = try #require(VerifyingKey(Fixtures.text("audit.key.pub").split(separator: "\n").joined()))
        let report = try await store.check(signed, signedBy: key)
        #expect(report.isIntact && report.through == Position(Fixtures.events))
        await store.close()
    }

    @Test("fixtures of 0672aac: the inline projection in the store's file projects appends again")
    func inline() async throws {
        let store = try SQLiteEventStore(path: files("bank.store"))
        try await expectInline(store, store.readModel)
        #expect(try await store.verify().findings == [])
        await store.close()
    }

    @Test("fixtures of 0672aac: a store whose process was killed is recovered from its write-ahead log")
    func killed() async throws {
        let store = try SQLiteEventStore(path: files("killed.store"), mode: .existing)
        #expect(
            try await store.everything().map { String(decoding: $0.payload, as: UTF8.self) } == (1...12).map { "\($0)" }
        )
        #expect(try await store.read(.tags("third:1"), limit: 10).events.count == 4)
        try await store.append(
            [EventData(type: "counted", text: "13")], to: "killed-1", if: .revision(12, of: "killed-1"))
        #expect(try await store.verify().findings == [])
        #expect(try await store.verifyChain()?.isIntact == true)
        await store.close()
    }
}

/// Checks the queries that the store of the fixtures must answer, in any storage.
func expectBank(_ store: any EventStore) async throws {
    let account = try #require(try await store.stream("account-1"))
    #expect(account.revision == 15)
    let accounts = try await store.streams(in: "account", after: nil, limit: 100)
    #expect(accounts.map(\.id.key) == ["1", "2", "3", "4", "5", "6"])
    #expect(try await store.read(.tags("third:1").of("counted"), limit: 100).events.count == 7)
    #expect(try await store.read(.tags("course:swift"), limit: 100).events.count == 8)
    #expect(try await store.read(.tags("student:Alan"), limit: 100).events.map(\.stream) == [nil])
    #expect(try await store.tracking(of: "elsewhere")?.position == 8)
    #expect(try await store.read(.types("opened"), limit: 100).events.allSatisfy { $0.metadata.actor == "teller" })
    let noted = try #require(try await store.read(.tags("topic:실록"), limit: 10).events.first)
    #expect(noted.tags == ["topic:실록", "topic:실록", "third:3"] && noted.metadata["colour"] == "모란")
    #expect(noted.metadata.schemaVersion == 3)
    let stored = try #require(try await store.read(.types("stored"), limit: 10).events.first)
    #expect(stored.payload == Array(0...255) && stored.contentType == "application/octet-stream")
    #expect(try await store.read(.types("emptied"), limit: 10).events.first?.payload == [])
    for event in try await store.everything() { #expect(try await store.event(event.id) == event) }
}

/// Checks that appends continue where the older version stopped: repeats, conditions, tracking, and a decision.
func expectAppends(_ store: any EventStore, after events: [RecordedEvent]) async throws {
    for event in events {
        let request = AppendRequest([.init(stream: event.stream, event: event.data)], tracking: event.tracking)
        #expect(try await store.append(request).position == event.position)
    }
    #expect(try await store.head() == Position(UInt64(events.count)))
    let deposited = EventData(type: "deposited", text: #"{"cents":1}"#)
    let requests = [
        AppendRequest([.init(stream: "account-1", event: deposited)], if: .revision(14, of: "account-1")),
        AppendRequest([.init(stream: nil, event: deposited)], if: .unchanged(.tags("course:swift"), since: 1)),
        AppendRequest([.init(stream: nil, event: deposited)], tracking: Tracking(source: "elsewhere", position: 8)),
    ]
    var rejections: [String] = []
    for request in requests {
        let error = await #expect(throws: AppendError.self) { try await store.append(request) }
        switch error {
        case .conflict: rejections.append("conflict")
        case .tracking: rejections.append("tracking")
        default: rejections.append("\(error.map { "\($0)" } ?? "none")")
        }
    }
    #expect(rejections == ["conflict", "conflict", "tracking"])
    let accounts = CommandHandler<Account>("account", in: store)
    let outcome = try await accounts.execute(.withdraw(1), on: "1")
    #expect(outcome.revision == 16 && outcome.position == Position(UInt64(events.count) + 1))
    try await store.append(
        AppendRequest(
            [.init(stream: "copy-1", event: EventData(type: "copied", tags: ["from:elsewhere"], text: "9"))],
            if: .revision(2, of: "copy-1"), tracking: Tracking(source: "elsewhere", position: 9)))
    #expect(try await store.tracking(of: "elsewhere")?.position == 9)
}

/// Checks that the inline projection has its rows, and projects the appends of a process of this version.
func expectInline(_ store: any EventStore, _ model: some ReadModel) async throws {
    func taken() async throws -> Int64? {
        try await model.rows("SELECT taken FROM course_seats WHERE course = 'swift'").first?["taken"].integer
    }
    #expect(try await taken() == 7)
    let seats = Projector(Seats(), .inline, from: store, into: model)
    try await seats.attach()
    #expect(try await taken() == 7)
    try await CommandHandler<Course>(in: store).execute(.enrol(student: "John", course: "swift"))
    #expect(try await taken() == 8)
    let side = ReadSide(of: store, in: model)
    #expect(try await side.verify("seats").findings.isEmpty)
    #expect(try await side.status().map(\.build.state) == [.live])
}
