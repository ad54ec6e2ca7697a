import Foundation
import GRDB
import Sillok
import SillokCore
import SillokGRDB
import SillokSQL
import SillokSQLite
import SillokTestSupport
import SillokTesting
import Testing

/// What GRDB's read model does with files that are not its own, that are replaced, or that have several paths.
@Suite struct FileTests {
    private let folder = TemporaryFolder()

    private func everything() throws -> [String: Data] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        return Dictionary(
            uniqueKeysWithValues: try names.map { ($0, try Data(contentsOf: URL(filePath: folder($0)))) })
    }

    private func expectRefused(_ path: String) throws {
        let before = try everything()
        let error = #expect(throws: StoreError.self) { try GRDBReadModel(path: path) }
        #expect(error?.code == .unsupportedFormat)
        #expect(try everything() == before)
    }

    @Test func `X6: a store, a text and a read model of a newer format are refused, and stay as they were`()
        async throws
    {
        let store = try SQLiteEventStore(path: folder("store"))
        try await store.append([EventData(type: "noted", text: "1")], to: "s-1")
        _ = try await store.backup(to: folder("copy"))
        await store.close()
        try expectRefused(folder("copy"))
        try Data(String(repeating: "text ", count: 300).utf8).write(to: URL(filePath: folder("text")))
        try expectRefused(folder("text"))
        let model = try GRDBReadModel(path: folder("m"))
        try await model.write(ReadModelWrite([.init("UPDATE sillok_format SET version = 99")]))
        await model.close()
        try FileManager.default.removeItem(atPath: folder("m-lock"))
        for ending in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: folder("m") + ending) }
        try expectRefused(folder("m"))
    }

    @Test func `C2: a read model whose file is replaced takes no writes and gives no rows`() async throws {
        let model = try GRDBReadModel(path: folder())
        try await model.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        try FileManager.default.moveItem(atPath: folder(), toPath: folder("old"))
        let write = await #expect(throws: StoreError.self) {
            try await model.write(ReadModelWrite([.init("INSERT INTO t VALUES (1)")]))
        }
        #expect(write?.code == .fileReplaced && write?.outcome == .definite)
        let read = await #expect(throws: StoreError.self) { try await model.rows("SELECT * FROM t") }
        #expect(read?.code == .fileReplaced)
        await model.close()
    }

    @Test func `C2: a connection that GRDB opens after the file was replaced does not read the other file`()
        async throws
    {
        for name in ["m", "other"] {
            let model = try GRDBReadModel(path: folder(name))
            try await model.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
            await model.close()
        }
        let model = try GRDBReadModel(path: folder("m"))
        for ending in ["", "-wal", "-shm"] { rename(folder("other" + ending), folder("m" + ending)) }
        let query = await #expect(throws: StoreError.self) {
            try await model.reader.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM t") }
        }
        #expect(query?.code == .fileReplaced)
        await model.close()
    }

    private static let endless: SillokSQL.SQL =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS m FROM n"

    @Test(
        "Storages 3: a query that would never end ends when the task is cancelled or the model closes",
        .timeLimit(.minutes(10)), arguments: [false, true])
    func endless(_ isClosed: Bool) async throws {
        let model = try GRDBReadModel(path: folder())
        let isStarted = Lock(false)
        let task = Task {
            isStarted.withLock { $0 = true }
            return try await model.rows(Self.endless)
        }
        let end = ContinuousClock.now + .seconds(300)
        while !isStarted.withLock({ $0 }), ContinuousClock.now < end { await Task.yield() }
        // After a moment the query runs; the test holds also if it still waits.
        try await Task.sleep(for: .milliseconds(20))
        if isClosed { await model.close() } else { task.cancel() }
        let result = await task.result
        if isClosed {
            let error = #expect(throws: StoreError.self) { try result.get() }
            #expect(error?.code == .closed)
        } else {
            #expect(throws: CancellationError.self) { try result.get() }
            #expect(try await model.rows("SELECT 1 AS one").map(\.values) == [[1]])
        }
        await model.close()
    }

    @Test func `C3: models through different paths take turns by one lock`() async throws {
        let first = try GRDBReadModel(path: folder("m"))
        try FileManager.default.createSymbolicLink(atPath: folder("l"), withDestinationPath: "m")
        let second = try GRDBReadModel(path: folder("l"))
        try await second.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        #expect(!FileManager.default.fileExists(atPath: folder("l-lock")))
        await second.close()
        await first.close()
        try FileManager.default.linkItem(atPath: folder("m"), toPath: folder("h"))
        let error = #expect(throws: StoreError.self) { try GRDBReadModel(path: folder("h")) }
        #expect(error?.code == .readOnly)
    }

    @Test func `O3: an act of an operator is committed to the disk, whatever the model's durability`() async throws {
        for durability in [GRDBReadModel.Durability.normal, .full] {
            let model = try GRDBReadModel(path: folder("\(durability)"), durability: durability)
            try await model.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
            for isDurable in [false, true, false] {
                let level: Int64 = isDurable || durability == .full ? 2 : 1
                let change = ReadModelWrite.Change("INSERT INTO t VALUES (1)", isDurable: isDurable)
                let condition = ReadModelWrite.Condition(
                    "SELECT synchronous FROM pragma_synchronous", gives: [[.integer(level)]])
                try await model.write(ReadModelWrite([change], if: [condition]))
            }
            await model.close()
        }
    }
}
