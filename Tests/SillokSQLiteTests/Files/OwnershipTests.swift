import Foundation
import Sillok
import SillokSQL
import SillokSQLiteConnections
import SillokTesting
import Testing

@testable import SillokSQLite

/// Who may write to a file that has several paths.
@Suite struct OwnershipTests {
    private let folder = TemporaryFolder()

    @Test func `C3: a second writer through a link is refused, also through a link in a folder of the path`()
        async throws
    {
        let store = try SQLiteEventStore(path: folder("m.sqlite"))
        try await store.append([note("a")], to: "s-1")
        let link = folder("l.sqlite")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "m.sqlite")
        #expect(code { _ = try SQLiteEventStore(path: link) } == .locked)
        let (real, linked) = (folder("real"), folder("linked"))
        try FileManager.default.createSymbolicLink(atPath: linked, withDestinationPath: folder.url.path)
        #expect(code { _ = try SQLiteEventStore(path: linked + "/m.sqlite") } == .locked)
        try FileManager.default.createDirectory(atPath: real, withIntermediateDirectories: true)
        #expect(code { _ = try SQLiteEventStore(path: real + "/../l.sqlite") } == .locked)
        let reader = try SQLiteEventStore(path: link, mode: .readOnly)
        #expect(try await reader.head() == 1)
        await reader.close()
        await store.close()
        let second = try SQLiteEventStore(path: link)
        #expect(try await second.append([note("b")], to: "s-1").position == 2)
        #expect(!FileManager.default.fileExists(atPath: link + "-lock"))
        await second.close()
    }

    @Test func `C3: the lock is one of the file itself: a connection by another path does not get it`() async throws {
        let store = try SQLiteEventStore(path: folder("m.sqlite"))
        // As if the lock file was another one, or had been removed.
        try FileManager.default.removeItem(atPath: folder("m.sqlite-lock"))
        let error = #expect(throws: StoreError.self) { try SQLiteEventStore(path: folder("m.sqlite")) }
        #expect(error?.code == .locked)
        #expect(try await store.append([note("a")], to: "s-1").position == 1)
        await store.close()
        let again = try SQLiteEventStore(path: folder("m.sqlite"))
        #expect(try await again.head() == 1)
        await again.close()
    }

    #if os(Linux)
    @Test func `C3: a second writer through a bind mount of the file is refused`() async throws {
        let store = try SQLiteEventStore(path: folder("m.sqlite"))
        try await store.append([note("a")], to: "s-1")
        let mounted = folder("b.sqlite")
        try Data().write(to: URL(filePath: mounted))
        guard succeeds("mount", "--bind", store.path, mounted) else {
            print("C3: no right to mount a file over another one")
            return await store.close()
        }
        defer { _ = succeeds("umount", mounted) }
        let error = #expect(throws: StoreError.self) { try SQLiteEventStore(path: mounted) }
        #expect(error?.code == .locked)
        #expect(error?.message.contains("through another path") == true)
        try await store.append([note("b")], to: "s-1")
        await store.close()
    }
    #endif

    @Test func `C3: a file with two names is refused`() async throws {
        let store = try SQLiteEventStore(path: folder("m.sqlite"))
        try await store.append([note("a")], to: "s-1")
        try FileManager.default.linkItem(atPath: store.path, toPath: folder("h.sqlite"))
        #expect(code { _ = try SQLiteEventStore(path: folder("h.sqlite")) } == .readOnly)
        #expect(code { _ = try SQLiteEventStore(path: folder("h.sqlite"), mode: .readOnly) } == .readOnly)
        #expect(!FileManager.default.fileExists(atPath: folder("h.sqlite-lock")))
        await store.close()
        #expect(code { _ = try SQLiteEventStore(path: store.path) } == .readOnly)
        try FileManager.default.removeItem(atPath: folder("h.sqlite"))
        let again = try SQLiteEventStore(path: store.path)
        #expect(try await again.head() == 1)
        await again.close()
    }

    @Test func `C3: two read models through different paths take turns by one lock`() async throws {
        let (path, link) = (folder("views.sqlite"), folder("l.sqlite"))
        let first = try SQLiteReadModel(path: path)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        let second = try SQLiteReadModel(path: link)
        try await first.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        try await second.write(ReadModelWrite([.init("INSERT INTO t VALUES (1)")]))
        #expect(!FileManager.default.fileExists(atPath: link + "-lock"))
        #expect(FileManager.default.fileExists(atPath: path + "-lock"))
        await second.close()
        await first.close()
        try FileManager.default.linkItem(atPath: path, toPath: folder("h.sqlite"))
        #expect(code { _ = try SQLiteReadModel(path: path) } == .readOnly)
    }

    @Test func `C3: a path is resolved as SQLite does it`() throws {
        let root = folder.url.resolvingSymlinksInPath().path
        try Data().write(to: folder.url.appending(path: "file"))
        try FileManager.default.createSymbolicLink(atPath: folder("dangling"), withDestinationPath: "missing")
        try FileManager.default.createSymbolicLink(atPath: folder("chain"), withDestinationPath: "dangling")
        for (path, expected) in [("file", "file"), ("chain", "missing"), ("dangling", "missing"), ("new", "new")] {
            #expect(resolvedPath(folder(path)) == root + "/" + expected)
        }
        let connection = try Connection(path: folder("chain"), flags: 6, cacheKiB: 64)
        #expect(connection.opened == resolvedPath(folder("chain")))
    }
}
