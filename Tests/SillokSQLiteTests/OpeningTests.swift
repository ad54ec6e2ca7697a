import Foundation
import SillokCore
import SillokSQLite
import Testing

@Suite("Opening a store")
struct OpeningTests {
    private let folder = TemporaryFolder()

    @Test("keeps its identity and its events")
    func identity() async throws {
        let first = try SQLiteEventStore(path: folder())
        let id = try await first.storeID()
        let receipt = try await first.append([note("a")], to: "s-1")
        await first.close()
        let second = try SQLiteEventStore(path: folder(), mode: .existing)
        #expect(try await second.storeID() == id)
        #expect(try await second.head() == receipt.position)
        await second.close()
    }

    @Test("a second writer is refused, a reader is not")
    func second() async throws {
        let store = try SQLiteEventStore(path: folder())
        #expect(code { _ = try SQLiteEventStore(path: folder()) } == .locked)
        let reader = try SQLiteEventStore(path: folder(), mode: .readOnly)
        try await store.append([note("a")], to: "s-1")
        try await reader.reach(1)
        #expect(try await reader.read(.all).events.count == 1)
        let error = await #expect(throws: AppendError.self) {
            try await reader.append([note("b")], to: "s-1")
        }?.failure
        #expect(error?.code == .readOnly)
        await reader.close()
        await store.close()
        let again = try SQLiteEventStore(path: folder())
        await again.close()
    }

    @Test("a store that is let go without close can be opened again")
    func letGo() async throws {
        do {
            let store = try SQLiteEventStore(path: folder())
            try await store.append([note("a")], to: "s-1")
        }
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(300)
        while code({ _ = try SQLiteEventStore(path: folder()) }) == .locked && clock.now < deadline {
            await Task.yield()
        }
        #expect(clock.now < deadline)
    }

    @Test("a file that is not a store is refused and not changed")
    func foreign() throws {
        #expect(code { _ = try SQLiteEventStore(path: folder("none"), mode: .existing) } == .notFound)
        #expect(code { _ = try SQLiteEventStore(path: folder("none"), mode: .readOnly) } == .notFound)
        let text = Data(String(repeating: "not a database ", count: 100).utf8)
        try text.write(to: URL(filePath: folder("text")))
        #expect(code { _ = try SQLiteEventStore(path: folder("text")) } == .unsupportedFormat)
        #expect(try Data(contentsOf: URL(filePath: folder("text"))) == text)
        try tamper(folder("other"), "CREATE TABLE t (x)")
        #expect(code { _ = try SQLiteEventStore(path: folder("other")) } == .unsupportedFormat)
    }

    @Test("a newer format is refused")
    func newer() async throws {
        let store = try SQLiteEventStore(path: folder())
        await store.close()
        try tamper(folder(), "PRAGMA user_version = 5")
        #expect(code { _ = try SQLiteEventStore(path: folder()) } == .unsupportedFormat)
        #expect(code { _ = try SQLiteEventStore(path: folder(), mode: .readOnly) } == .unsupportedFormat)
    }

    @Test("a closed store reports that it is closed")
    func closed() async throws {
        let store = try SQLiteEventStore(path: folder())
        await store.close()
        await store.close()
        for call: @Sendable () async throws -> Void in [
            { _ = try await store.head() }, { _ = try await store.append([note("a")]) },
            { try await store.reach(1) },
        ] {
            await #expect { try await call() } throws: { AppendError($0).failure?.code == .closed }
        }
    }

    @Test("one file is left when it is closed")
    func oneFile() async throws {
        let store = try SQLiteEventStore(path: folder())
        try await store.append([note("a")], to: "s-1")
        await store.close()
        let size = try FileManager.default.attributesOfItem(atPath: folder() + "-wal")[.size] as? Int
        #expect(size == 0)
    }
}
