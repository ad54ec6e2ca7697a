import Foundation
import Sillok
import SillokSQL
import SillokTesting
import Testing

@testable import SillokSQLite

/// What a store does when its path leads to another file than the one that it has open, or to none.
@Suite struct ReplacedFileTests {
    private let folder = TemporaryFolder()

    private func code(_ body: () async throws -> Void) async -> StoreError? {
        do {
            try await body()
            return nil
        } catch {
            return AppendError(error).failure
        }
    }

    /// A store with an event, and a closed one with three at another path.
    private func stores() async throws -> (open: SQLiteEventStore, other: String) {
        let (path, other) = (folder("m.sqlite"), folder("old.sqlite"))
        let old = try SQLiteEventStore(path: other)
        for text in ["x", "y", "z"] { try await old.append([note(text)], to: "old-1") }
        await old.close()
        for ending in ["-wal", "-shm", "-lock"] { try? FileManager.default.removeItem(atPath: other + ending) }
        let store = try SQLiteEventStore(path: path)
        try await store.append([note("a")], to: "s-1")
        return (store, other)
    }

    @Test func `C2: a store whose file is replaced takes no append, says so to every caller, and opens the new file`()
        async throws
    {
        let (store, other) = try await stores()
        let waiting = Ending { try await store.reach(100) }
        #expect(rename(other, store.path) == 0)
        for _ in 0..<2 {
            let error = await code { try await store.append([note("lost")], to: "s-1") }
            #expect(error?.code == .fileReplaced)
            #expect(error?.outcome == .definite)
        }
        #expect(await code { _ = try await store.head() }?.code == .fileReplaced)
        #expect(await code { _ = try await store.read(.all) }?.code == .fileReplaced)
        #expect(try await waiting.code() == .fileReplaced)
        await store.close()
        for ending in ["-wal", "-shm"] { try FileManager.default.removeItem(atPath: store.path + ending) }
        let new = try SQLiteEventStore(path: store.path)
        #expect(try await new.head() == 3)
        #expect(try await new.append([note("kept")], to: "s-1").position == 4)
        await new.close()
    }

    @Test(arguments: [["", "-wal", "-shm"], ["-wal"], ["-shm"], [""]])
    func `C2: a store notices removed files: the file and the log at the next append, the index within sixteen`(
        _ endings: [String]
    ) async throws {
        let (store, _) = try await stores()
        for ending in endings { try FileManager.default.removeItem(atPath: store.path + ending) }
        // The log is looked for after a commit only, and its index after every sixteenth.
        var error: StoreError?
        for _ in 0..<(endings == ["-shm"] ? 16 : 1) where error == nil {
            error = await code { try await store.append([note("lost")], to: "s-1") }
        }
        #expect(error?.code == .fileReplaced && error?.outcome == (endings.contains("") ? .definite : .unknown))
        #expect(await code { try await store.append([note("lost")], to: "s-1") }?.outcome == .definite)
        #expect(await code { _ = try await store.event(EventID()) }?.code == .fileReplaced)
        await store.close()
    }

    @Test func `C2: an append whose file is replaced during its commit has an unknown outcome, and so has its repeat`()
        async throws
    {
        let (path, moved) = (folder("m.sqlite"), folder("moved.sqlite"))
        let isArmed = Lock(false)
        // The time of day is asked for within the transaction, after the files were compared.
        let clock = WallClock {
            if isArmed.withLock({ $0 }) { rename(path, moved) }
            return WallClock.system.now()
        }
        let store = try SQLiteEventStore(path: path, clock: clock)
        let first = note("a")
        try await store.append([first], to: "s-1")
        isArmed.withLock { $0 = true }
        let event = note("b")
        for _ in 0..<2 {
            let error = await code { try await store.append([event], to: "s-1") }
            #expect(error?.code == .fileReplaced)
            #expect(error?.outcome == .unknown)
        }
        // One that was acknowledged is in the file that was moved away, too.
        #expect(await code { try await store.append([first], to: "s-1") }?.outcome == .unknown)
        #expect(await code { try await store.append([note("c")], to: "s-1") }?.outcome == .definite)
        await store.close()
    }

    @Test func `C2: a link that leads to another store by now counts as a replaced file`() async throws {
        let (store, other) = try await stores()
        let link = folder("link.sqlite")
        await store.close()
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: store.path)
        let linked = try SQLiteEventStore(path: link)
        try await linked.append([note("b")], to: "s-1")
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: other)
        #expect(await code { try await linked.append([note("lost")], to: "s-1") }?.code == .fileReplaced)
        await linked.close()
    }

    @Test func `C2: a store that is open for reading fails when its file is replaced, instead of waiting for ever`()
        async throws
    {
        let (store, other) = try await stores()
        let reader = try SQLiteEventStore(path: store.path, mode: .readOnly)
        let following = Ending {
            for try await _ in reader.subscribe() {}
        }
        try await reader.reach(1)
        await store.close()
        #expect(rename(other, store.path) == 0)
        #expect(try await Ending { try await reader.reach(100) }.code() == .fileReplaced)
        #expect(try await following.code() == .fileReplaced)
        #expect(await code { _ = try await reader.stream("s-1") }?.code == .fileReplaced)
        await reader.close()
    }

    @Test func `C2: a read model whose file is replaced takes no writes and gives no rows`() async throws {
        let path = folder("views.sqlite")
        let model = try SQLiteReadModel(path: path)
        try await model.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        _ = try await model.rows("SELECT * FROM t")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
        let error = await code { try await model.write(ReadModelWrite([.init("INSERT INTO t VALUES (1)")])) }
        #expect(error?.code == .fileReplaced && error?.outcome == .definite)
        #expect(await code { _ = try await model.rows("SELECT * FROM t") }?.code == .fileReplaced)
        await model.close()
    }

    @Test(arguments: [SQLiteEventStore.Mode.existing, .readOnly])
    func `C2: what a store opens after its file was replaced is not the other file`(_ mode: SQLiteEventStore.Mode)
        async throws
    {
        let (writing, other) = try await stores()
        try await writing.readModel.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        let foreign = try SQLiteEventStore(path: other)
        try await foreign.readModel.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        await foreign.close()
        await writing.close()
        let store = try SQLiteEventStore(path: writing.path, mode: mode)
        let before = try Data(contentsOf: URL(filePath: other))
        #expect(rename(other, store.path) == 0)
        for ending in ["-wal", "-shm"] { rename(store.path + ending, store.path + ".old" + ending) }
        #expect(await code { _ = try await store.readModel.rows("SELECT x FROM t") }?.code == .fileReplaced)
        #expect(await code { _ = try await store.verify() }?.code == .fileReplaced)
        #expect(await code { _ = try await store.backup(to: folder("copy")) }?.code == .fileReplaced)
        #expect(!FileManager.default.fileExists(atPath: folder("copy")))
        let write = ReadModelWrite([.init("INSERT INTO t VALUES (1)")])
        #expect(await code { try await store.readModel.write(write) }?.code == .fileReplaced)
        await store.close()
        #expect(try Data(contentsOf: URL(filePath: store.path)) == before)
        #expect(!FileManager.default.fileExists(atPath: store.path + "-wal"))
    }

    @Test func `C2: a read model whose file is replaced before its first query does not read the other file`()
        async throws
    {
        let (path, other) = (folder("views.sqlite"), folder("other.sqlite"))
        for path in [path, other] {
            let model = try SQLiteReadModel(path: path)
            try await model.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
            await model.close()
        }
        let model = try SQLiteReadModel(path: path)
        for ending in ["", "-wal", "-shm"] { rename(other + ending, path + ending) }
        #expect(await code { _ = try await model.rows("SELECT * FROM t") }?.code == .fileReplaced)
        await model.close()
    }

    @Test func `C2: the read model in the store's file fails with it`() async throws {
        let (store, other) = try await stores()
        let model = store.readModel
        try await model.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        _ = try await model.rows("SELECT * FROM t")
        #expect(rename(other, store.path) == 0)
        let write = ReadModelWrite([.init("INSERT INTO t VALUES (1)")])
        #expect(await code { try await model.write(write) }?.code == .fileReplaced)
        #expect(await code { _ = try await model.rows("SELECT * FROM t") }?.code == .fileReplaced)
        await store.close()
    }
}

/// Something that waits, perhaps for ever, and how it ended.
private final class Ending: Sendable {
    private let ended = Lock<StoreError.Code?>(nil)

    init(_ body: @escaping @Sendable () async throws -> Void) {
        Task { [ended] in
            do {
                try await body()
            } catch let error as StoreError {
                ended.withLock { $0 = error.code }
            }
        }
    }

    /// The code of the error that ended it; `nil` if it still waits after a while.
    func code() async throws -> StoreError.Code? {
        _ = try await eventually { ended.withLock { $0 != nil } }
        return ended.withLock { $0 }
    }
}
