import CSQLite
import Foundation
import Sillok
import SillokChain
import SillokSigning
import SillokSQLite
import Testing

@Suite("The hash chain in a file")
struct ChainTests {
    private let folder = TemporaryFolder()

    private func open(_ mode: SQLiteEventStore.Mode = .create, keepsChain: Bool? = nil) throws -> SQLiteEventStore {
        try SQLiteEventStore(path: folder(), mode: mode, keepsChain: keepsChain)
    }

    /// What a store says of its chain, opened for reading: where it begins, how many events it covers, what is wrong.
    private func report() async throws -> ChainReport? {
        let store = try open(.readOnly)
        let report = try await store.verifyChain()
        await store.close()
        return report
    }

    private func fill(_ count: Int, keepsChain: Bool? = nil) async throws {
        let store = try open(keepsChain: keepsChain)
        for number in 0..<count { try await store.append([note("\(number)")], to: "s-\(number % 3)") }
        await store.close()
    }

    @Test("continues at the same place when the file is opened again")
    func reopened() async throws {
        for _ in 0..<3 { try await fill(4) }
        let report = try #require(try await report())
        #expect(report.isIntact)
        #expect(report.events == 12)
    }

    @Test("a file of format 1 can be read, and is made one of the present format whose chain begins after its events")
    func migration() async throws {
        try await fillIndexed(5)
        try downgradeToFormat3(folder())
        try tamper(
            folder(),
            "ALTER TABLE events DROP COLUMN link; DELETE FROM store WHERE key IN ('chain', 'indexed'); "
                + recent + "PRAGMA user_version = 1")
        let old = try open(.readOnly)
        #expect(try await old.read(.all).events.count == 5)
        #expect(try await old.read(ReadRequest(.stream("s-1"))).events.count == 2)
        #expect(try await old.verify().isSound)
        #expect(try await old.chain() == nil)
        #expect(try await old.links(after: 0, limit: 10) == [])
        await old.close()
        try await fill(2)
        let report = try #require(try await report())
        #expect(report.isIntact)
        #expect(report.chain.start == 6)
        #expect(report.events == 2)
    }

    @Test("a file of format 2, whose two tables hold the whole index, is made one of the present format")
    func tailMigration() async throws {
        try await fillIndexed(5)
        try downgradeToFormat3(folder())
        try tamper(folder(), "DELETE FROM store WHERE key = 'indexed'; " + recent + "PRAGMA user_version = 2")
        let old = try open(.readOnly)
        #expect(try await old.read(ReadRequest(.stream("s-1"))).events.map(\.position) == [2, 5])
        #expect(try await old.verify().isSound)
        try await fill(4)
        await #expect(throws: StoreError.self) { try await old.read(ReadRequest(.stream("s-1"))) }
        await old.close()
        let new = try open(.readOnly)
        #expect(try await new.read(ReadRequest(.stream("s-1"))).events.map(\.position) == [2, 5, 7])
        #expect(try await new.verify().isSound)
        await new.close()
        let report = try #require(try await report())
        #expect(report.isIntact)
        #expect(report.events == 9)
    }

    /// Makes the second table of the index that there was before format 3, with the entries of the newest events.
    private var recent: String {
        """
        CREATE TABLE recent (key INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key, position)) STRICT,
        WITHOUT ROWID; INSERT INTO recent SELECT * FROM settled WHERE position > 2;
        DELETE FROM settled WHERE position > 2;
        """
    }

    /// A store whose table holds the whole index.
    private func fillIndexed(_ count: Int) async throws {
        let tuning = Tuning(tailEntries: 1)
        let store = try SQLiteEventStore(
            path: folder(), mode: .create, limits: Limits(), clock: .system, tuning: tuning)
        for number in 0..<count { try await store.append([note("\(number)")], to: "s-\(number % 3)") }
        await store.close()
    }

    @Test("can be switched off and on, and then starts again")
    func switching() async throws {
        try await fill(3, keepsChain: false)
        #expect(try await report() == nil)
        try await fill(3)
        #expect(try await report() == nil)
        try await fill(3, keepsChain: true)
        #expect(try await report()?.chain.start == 7)
        try await fill(3)
        #expect(try await report()?.events == 6)
        try await fill(1, keepsChain: false)
        try await fill(1, keepsChain: true)
        #expect(try await report()?.chain.start == 14)
        #expect(try await report()?.isIntact == true)
    }

    @Test("a store whose last link was removed does not continue silently")
    func lastLink() async throws {
        try await fill(3)
        try tamper(folder(), "UPDATE events SET link = NULL WHERE position = 3")
        let error = #expect(throws: StoreError.self) { try open() }
        #expect(error?.code == .corrupt)
        #expect(try await report()?.findings.map(\.position) == [3])
        let store = try open(keepsChain: false)
        try await store.append([note("on")])
        await store.close()
    }

    @Test("removed, exchanged and inserted events are found with the checksums right; a cut end by the signed head")
    func structure() async throws {
        try await fill(30)
        let key = SigningKey()
        let store = try open(.readOnly)
        let head = try key.sign(
            try #require(try await store.logHead(signedAt: Timestamp(microsecondsSince1970: 0))))
        await store.close()
        let original = try Data(contentsOf: URL(filePath: folder()))
        let changes: [(String, Position?)] = [
            ("DELETE FROM events WHERE position = 12", 12),
            ("DELETE FROM events WHERE position BETWEEN 12 AND 14", 12),
            (
                """
                UPDATE events SET position = -12 WHERE position = 12; UPDATE events SET position = 12 WHERE position = 13;
                UPDATE events SET position = 13 WHERE position = -12
                """, 12
            ),
            (
                """
                UPDATE events SET position = -position - 1 WHERE position >= 12;
                UPDATE events SET position = -position WHERE position < 0;
                INSERT INTO events SELECT 12, id, stream, revision, type, recorded, content, source, tracked, crc, tags,
                metadata, payload, link FROM events WHERE position = 11
                """, 12
            ),
            ("DELETE FROM events WHERE position > 25", nil),
        ]
        for (sql, position) in changes {
            try original.write(to: URL(filePath: folder()))
            try tamper(folder(), sql)
            try mendChecksums(folder())
            #expect(try await report()?.findings.first?.position == position, "\(sql)")
            let store = try open(.readOnly)
            let check = try await store.check(head, signedBy: key.verifyingKey)
            #expect(check.findings.first?.position == position ?? 26, "\(sql)")
            await store.close()
        }
    }
}
