import SillokCore
import SillokSQLite
import Testing

@Suite("verify", .serialized)
struct VerificationTests {
    private let folder = TemporaryFolder()

    /// A closed store of 700 events in 3 streams with tags, ids of both kinds, tracking, most of its index in the tables.
    private func fill() async throws {
        let tuning = Tuning(tailEntries: 1000)
        let store = try SQLiteEventStore(
            path: folder(), mode: .create, limits: Limits(), clock: .system, tuning: tuning)
        for round in 0..<70 {
            let entries = (0..<10).map { index in
                var event = note(
                    "\(round)/\(index)", tags: [EventTag("round", "\(round)"), EventTag("index", "\(index)")])
                if index == 3 { event.id = EventID(high: UInt64(round) &* 0x9E37_79B9_7F4A_7C15, low: 1) }
                return AppendRequest.Entry(stream: index == 9 ? nil : StreamID("s-\(index % 2)"), event: event)
            }
            let tracking = Tracking(source: "elsewhere", position: UInt64(round))
            _ = try await store.append(AppendRequest(entries, tracking: tracking))
        }
        await store.close()
    }

    private func verify() async throws -> VerificationReport {
        let store = try SQLiteEventStore(path: folder(), mode: .readOnly)
        let report = try await store.verify()
        await store.close()
        return report
    }

    @Test("finds nothing wrong in a sound store")
    func sound() async throws {
        try await fill()
        let report = try await verify()
        #expect(report == VerificationReport(events: 700, streams: 2, findings: []))
    }

    @Test("finds nothing wrong in an empty store")
    func empty() async throws {
        let store = try SQLiteEventStore(path: folder())
        #expect(try await store.verify() == VerificationReport(events: 0, streams: 0, findings: []))
        await store.close()
    }

    @Test(
        "finds each kind of damage",
        arguments: [
            ("UPDATE events SET payload = x'00' WHERE position = 77", 77),
            ("UPDATE events SET revision = revision + 1 WHERE position = 78", 78),
            ("UPDATE events SET recorded = 0 WHERE position = 79", 79),
            ("UPDATE events SET id = zeroblob(16) WHERE position = 80", 80),
            ("UPDATE events SET crc = crc + 1 WHERE position = 81", 81),
            ("DELETE FROM events WHERE position BETWEEN 300 AND 310", 300),
            ("DELETE FROM entries WHERE position = 55 AND key = (SELECT -type FROM events WHERE position = 55)", 55),
            ("INSERT INTO entries VALUES (-1, 700000)", 700_000),
            ("INSERT INTO entries SELECT key, 9 FROM entries WHERE position = 8 AND key >= 0", 9),
            ("DELETE FROM entries WHERE position = 12", 12),
            ("UPDATE store SET value = CAST('700' AS BLOB) WHERE key = 'indexed'", nil),
            ("UPDATE marks SET position = position + 1", 511),
            ("UPDATE tracking SET position = position + 1", nil),
            ("DELETE FROM tracking", nil),
            ("UPDATE names SET text = x'41' WHERE kind = 2", nil),
        ] as [(String, Int64?)])
    func damage(_ sql: String, _ position: Int64?) async throws {
        try await fill()
        try tamper(folder(), sql)
        let report = try await verify()
        #expect(!report.isSound)
        if let position {
            #expect(
                report.findings.contains { $0.position == Position(UInt64(position)) },
                "\(report.findings.map(\.description))")
        }
    }

    @Test(
        "C23: progress without an event is sound, and a change of it is found",
        arguments: [
            "UPDATE tracking SET position = position + 1", "UPDATE tracking SET position = position - 1",
            "DELETE FROM tracking", "UPDATE tracked_alone SET position = position + 1", "DELETE FROM tracked_alone",
        ])
    func progressAlone(_ sql: String) async throws {
        let store = try SQLiteEventStore(path: folder())
        try await store.trackThreeSources()
        await store.close()
        let sound = try await verify()
        #expect(sound.isSound, "\(sound.findings.map(\.description))")
        try tamper(folder(), sql)
        #expect(try await !verify().isSound)
    }

    @Test("C23: a file of an earlier version takes progress without an event")
    func earlierFile() async throws {
        try await fill()
        try tamper(folder(), "DROP TABLE tracked_alone")
        #expect(try await verify().isSound)
        let store = try SQLiteEventStore(path: folder())
        _ = try await store.append(AppendRequest([], tracking: Tracking(source: "elsewhere", position: 100)))
        await store.close()
        #expect(try await verify().isSound)
    }

    @Test("an event that was changed is not read as if it were whole")
    func damagedRead() async throws {
        try await fill()
        try tamper(folder(), "UPDATE events SET payload = x'00' WHERE position = 77")
        let store = try SQLiteEventStore(path: folder(), mode: .readOnly)
        #expect(try await store.read(.all, after: 77).events.first?.position == 78)
        let error = await #expect(throws: StoreError.self) { try await store.read(.all, after: 70) }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("77") == true)
        await store.close()
    }
}
