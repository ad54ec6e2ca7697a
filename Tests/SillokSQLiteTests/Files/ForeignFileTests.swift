import Foundation
import Sillok
import SillokSQL
import SillokSQLiteConnections
import SillokTesting
import Testing

@testable import SillokSQLite

/// A file of another program is refused before anything about it, or next to it, is changed.
@Suite struct ForeignFileTests {
    private let folder = TemporaryFolder()

    /// Names, contents and permissions of everything in the folder.
    private func everything() throws -> [String: [String]] {
        var found: [String: [String]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path) {
            let facts = try FileManager.default.attributesOfItem(atPath: folder(name))
            let bytes = try Data(contentsOf: URL(filePath: folder(name)))
            found[name] = ["\(bytes.base64EncodedString())", "\(facts[.posixPermissions] ?? 0)"]
        }
        return found
    }

    private func expectRefused(_ code: StoreError.Code = .unsupportedFormat, _ body: () throws -> Void) throws {
        let before = try everything()
        let error = #expect(throws: StoreError.self) { try body() }
        #expect(error?.code == code, "\(String(describing: error))")
        #expect(try everything() == before)
    }

    @Test(arguments: [
        "CREATE TABLE t (x)", "PRAGMA journal_mode = WAL; CREATE TABLE t (x)", "PRAGMA application_id = 7",
        "PRAGMA user_version = 3; CREATE TABLE store (x)", "PRAGMA journal_mode = WAL; PRAGMA application_id = 7",
    ])
    func `X6: a foreign database is refused as a store, and stays as it was`(_ sql: String) throws {
        let path = folder("foreign.sqlite")
        try tamper(path, sql)
        for mode in [SQLiteEventStore.Mode.create, .existing, .readOnly] {
            try expectRefused { _ = try SQLiteEventStore(path: path, mode: mode) }
        }
        let before = try everything()
        #expect(!SQLiteEventStore.isStore(at: path))
        #expect(try everything() == before)
    }

    @Test func `X6: what is no database, and what is not there, is refused and left alone`() throws {
        try Data(String(repeating: "not a database ", count: 100).utf8).write(to: URL(filePath: folder("text")))
        for mode in [SQLiteEventStore.Mode.create, .existing, .readOnly] {
            try expectRefused { _ = try SQLiteEventStore(path: folder("text"), mode: mode) }
        }
        try expectRefused { _ = try SQLiteReadModel(path: folder("text")) }
        for mode in [SQLiteEventStore.Mode.existing, .readOnly] {
            try expectRefused(.notFound) { _ = try SQLiteEventStore(path: folder("none"), mode: mode) }
        }
    }

    @Test func `X6: a store of a newer format, and a read model of one, are left alone`() async throws {
        let store = try SQLiteEventStore(path: folder("s"))
        await store.close()
        try tamper(folder("s"), "PRAGMA journal_mode = DELETE; PRAGMA user_version = 99")
        try FileManager.default.removeItem(atPath: folder("s-lock"))
        for mode in [SQLiteEventStore.Mode.create, .existing, .readOnly] {
            try expectRefused { _ = try SQLiteEventStore(path: folder("s"), mode: mode) }
        }
        let model = try SQLiteReadModel(path: folder("m"))
        await model.close()
        try tamper(folder("m"), "PRAGMA journal_mode = DELETE; UPDATE sillok_format SET version = 99")
        try FileManager.default.removeItem(atPath: folder("m-lock"))
        try expectRefused { _ = try SQLiteReadModel(path: folder("m")) }
    }

    @Test func `X6: a store is refused as a read model, and a backup does not take the place of a file`() async throws {
        let store = try SQLiteEventStore(path: folder("s"))
        try await store.append([note("a")], to: "s-1")
        _ = try await store.backup(to: folder("copy"))
        await #expect(throws: StoreError.self) { try await store.backup(to: folder("copy")) }
        await store.close()
        // The copy has no write-ahead log yet.
        try expectRefused { _ = try SQLiteReadModel(path: folder("copy")) }
        let copy = try SQLiteEventStore(path: folder("copy"))
        #expect(try await copy.head() == 1)
        await copy.close()
    }

    @Test func `X6: a store that was killed before its first checkpoint is one all the same`() async throws {
        let store = try SQLiteEventStore(path: folder("s"))
        try await store.append([note("a")], to: "s-1")
        await store.close()
        // The file between the switch to a write-ahead log and the first checkpoint, with the whole store in the log.
        let path = folder("fresh")
        try tamper(path, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
        let connection = try Connection(path: path, flags: 6, cacheKiB: 64)
        try connection.run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; BEGIN")
        try connection.run("CREATE TABLE t (x); PRAGMA application_id = \(Schema.applicationID); COMMIT")
        for ending in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: path + ending, toPath: folder("copy") + ending)
        }
        #expect(SQLiteEventStore.isStore(at: folder("copy")))
        try connection.run("PRAGMA application_id = 7")
        try FileManager.default.removeItem(atPath: folder("copy-wal"))
        try FileManager.default.copyItem(atPath: path + "-wal", toPath: folder("copy-wal"))
        #expect(!SQLiteEventStore.isStore(at: folder("copy")))
        try expectRefused { _ = try SQLiteEventStore(path: folder("copy")) }
    }
}
