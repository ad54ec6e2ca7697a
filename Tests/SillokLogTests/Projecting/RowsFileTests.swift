import Foundation
import SillokCore
import SillokLog
import SillokSQL
import SillokSQLiteModels
import SillokTestSupport
import Testing

/// The file of the rows: other processes, replaced files, copies.
@Suite struct RowsFileTests {
    private let place = StorePlace()

    /// A store with a number of events and their rows, which is closed.
    private func make(_ name: String = "bank.sillok", with count: Int) async throws {
        let store = try place.open(name)
        try await StreamLengths.attach(to: store.readModel)
        try await store.fill(0..<count)
        await store.close()
    }

    private func expectTold(_ count: Int, in name: String = "bank.sillok") async throws {
        let store = try place.open(name, .existing)
        try await StreamLengths.attach(to: store.readModel)
        #expect(try await StreamLengths.findings(store, store.readModel) == [])
        #expect(try await store.head().value == UInt64(count))
        await store.close()
    }

    private func replaceRows(of name: String = "bank.sillok", with other: String?) throws {
        for ending in ["", "-wal", "-shm"] {
            let path = place(name) + "/rows.sqlite" + ending
            try? FileManager.default.removeItem(atPath: path)
            guard let other, FileManager.default.fileExists(atPath: place(other) + "/rows.sqlite" + ending) else {
                continue
            }
            try FileManager.default.copyItem(atPath: place(other) + "/rows.sqlite" + ending, toPath: path)
        }
    }

    @Test func `rows that are missing or older are projected again`() async throws {
        try await make(with: 5)
        _ = try place.image("old")
        let store = try place.open()
        try await StreamLengths.attach(to: store.readModel)
        try await store.fill(5..<40)
        await store.close()
        try replaceRows(with: "old")
        try await expectTold(40)
        try replaceRows(with: nil)
        try await expectTold(40)
    }

    @Test(arguments: ["newer rows", "rows of another store", "rows of another history"])
    func `rows that the log does not have keep the store from being opened for writing`(_ kind: String) async throws {
        try await make(with: 5)
        _ = try place.image("old")
        switch kind {
        case "newer rows":
            let store = try place.open()
            try await StreamLengths.attach(to: store.readModel)
            try await store.fill(5..<9)
            await store.close()
            try replaceRows(of: "old", with: "bank.sillok")
        case "rows of another store":
            try await make("other", with: 3)
            try replaceRows(of: "old", with: "other")
        default:
            for name in ["bank.sillok", "old"] {
                let store = try place.open(name)
                try await StreamLengths.attach(to: store.readModel)
                try await store.fill(5..<9)
                await store.close()
            }
            try replaceRows(of: "old", with: "bank.sillok")
        }
        let error = #expect(throws: StoreError.self) { try place.open("old") }
        #expect(error?.code == .storeChanged)
        #expect(error?.message.contains("rows.sqlite does not belong to this log") == true)
        let reading = try place.open("old", .readOnly)
        #expect(try await reading.head() > 0)
        let refused = await #expect(throws: StoreError.self) { try await reading.readModel.rows("SELECT 1") }
        #expect(refused?.code == .storeChanged)
        await reading.close()
        try replaceRows(of: "old", with: nil)
        try await expectTold(kind == "rows of another history" ? 9 : 5, in: "old")
    }

    @Test func `another process reads the rows and cannot write them; without projections it is told so`() async throws
    {
        let store = try place.open()
        try await store.fill(0..<2)
        let early = try place.open("bank.sillok", .readOnly)
        let none = await #expect(throws: StoreError.self) { try await early.readModel.rows("SELECT 1") }
        #expect(none?.code == .notFound)
        #expect(!FileManager.default.fileExists(atPath: place() + "/rows.sqlite"))
        try await StreamLengths.attach(to: store.readModel)
        try await store.fill(2..<6)
        let count: SQL = "SELECT sum(events) AS n FROM lengths_v1_lengths"
        for reader in [early, try place.open("bank.sillok", .readOnly)] {
            #expect(try await reader.readModel.rows(count).first?["n"] == 6)
            let refused = await #expect(throws: StoreError.self) {
                try await reader.readModel.write(ReadModelWrite([.init("DELETE FROM lengths_v1_lengths")]))
            }
            #expect(refused?.code == .readOnly)
            await reader.close()
        }
        let foreign = #expect(throws: StoreError.self) { try SQLiteReadModel(path: place() + "/rows.sqlite") }
        #expect(foreign?.code == .unsupportedFormat)
        await store.close()
        await #expect(throws: StoreError.self) { try await store.readModel.rows(count) }
        await #expect(throws: StoreError.self) { try await store.readModel.write(ReadModelWrite([.init("SELECT 1")])) }
    }

    @Test func `a file that is replaced while it is open takes no rows, and its appends are not stored`() async throws {
        try await make(with: 3)
        let store = try place.open()
        try await StreamLengths.attach(to: store.readModel)
        try FileManager.default.moveItem(atPath: place() + "/rows.sqlite", toPath: place("away"))
        let failure = await #expect(throws: AppendError.self) { try await store.append([note(3)], to: "s-3") }?.failure
        #expect(failure?.code == .fileReplaced && failure?.outcome == .definite)
        try FileManager.default.moveItem(atPath: place("away"), toPath: place() + "/rows.sqlite")
        await store.close()
        try await expectTold(3)
    }

    @Test func `a copy that is made during appends has rows that fit its log`() async throws {
        try await make(with: 20)
        let store = try place.open()
        try await StreamLengths.attach(to: store.readModel)
        async let filled: Void = store.fill(20..<400)
        for number in 1...5 { _ = try await store.backup(to: place("copy-\(number)")) }
        try await filled
        await store.close()
        for number in 1...5 {
            let copy = try place.open("copy-\(number)", .existing)
            let count: SQL = "SELECT sum(events) AS n FROM lengths_v1_lengths"
            #expect(try await copy.readModel.rows(count).first?["n"].integer ?? 0 >= 20)
            try await StreamLengths.attach(to: copy.readModel)
            #expect(try await StreamLengths.findings(copy, copy.readModel) == [])
            await copy.close()
        }
    }

    @Test func `an event and its rows become visible at the same moment`() async throws {
        let store = try place.open("bank.sillok", .create, LogTuning())
        try await StreamLengths.attach(to: store.readModel)
        try await store.fill(0..<1)
        let checkpoint: SQL = "SELECT position, mark FROM sillok_checkpoints"
        let isFilled = Lock(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await store.fill(1..<400)
                isFilled.withLock { $0 = true }
            }
            // Rows before the log: the log has the event of the checkpoint.
            group.addTask {
                while !isFilled.withLock({ $0 }) {
                    let row = try await store.readModel.rows(checkpoint)[0]
                    let mark = try #require(EventMark(row["mark"].text ?? ""))
                    _ = try await store.read(ReadRequest(.all, after: .mark(mark), limit: 1))
                }
            }
            // The log before the rows: the rows contain its last event.
            group.addTask {
                while !isFilled.withLock({ $0 }) {
                    let head = try await store.read(ReadRequest(.all, direction: .backward, limit: 1)).head
                    let row = try await store.readModel.rows(checkpoint)[0]
                    #expect(row["position"].integer ?? 0 >= Int64(head.value))
                }
            }
            try await group.waitForAll()
        }
        await store.close()
    }

    @Test func `a store with rows is not removed as unused, and is removed with its rows`() async throws {
        let store = try place.open()
        try await store.readModel.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
        await store.closeRemovingFiles(onlyIfUnused: true)
        #expect(FileManager.default.fileExists(atPath: place() + "/rows.sqlite"))
        let again = try place.open()
        await again.closeRemovingFiles(onlyIfUnused: false)
        #expect(!FileManager.default.fileExists(atPath: place()))
    }
}
