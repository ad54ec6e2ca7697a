import Foundation
import Sillok
import SillokSQL
import SillokTesting
import Testing

@testable import SillokSQLite

/// Work that takes long ends when its task is cancelled or the store closes.
@Suite(.timeLimit(.minutes(10))) struct LongWorkTests {
    private let folder = TemporaryFolder()

    static let endless: SQL =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS m FROM n"

    enum Place: String, CaseIterable { case file, memory, store, readOnlyStore }

    private struct Opened {
        let model: any ReadModel
        let close: () async -> Void
    }

    private func open(_ place: Place) async throws -> Opened {
        switch place {
        case .file:
            let model = try SQLiteReadModel(path: folder("views"))
            return Opened(model: model, close: model.close)
        case .memory:
            let model = try SQLiteReadModel()
            return Opened(model: model, close: model.close)
        case .store, .readOnlyStore:
            let store = try SQLiteEventStore(path: folder())
            try await store.readModel.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
            if place == .store { return Opened(model: store.readModel, close: store.close) }
            await store.close()
            let reading = try SQLiteEventStore(path: folder(), mode: .readOnly)
            return Opened(model: reading.readModel, close: reading.close)
        }
    }

    /// Starts a query that never ends. After a moment it runs; the tests hold also if it still waits.
    private func start(_ model: any ReadModel) async throws -> Task<[SQLRow], any Error> {
        let isStarted = Lock(false)
        let task = Task {
            isStarted.withLock { $0 = true }
            return try await model.rows(Self.endless)
        }
        try #require(try await eventually { isStarted.withLock { $0 } })
        try await Task.sleep(for: .milliseconds(20))
        return task
    }

    @Test(
        "Storages 3: a query of a cancelled task ends at once, and the next one runs",
        arguments: Place.allCases)
    func cancelled(_ place: Place) async throws {
        let opened = try await open(place)
        var times: [Duration] = []
        for _ in 0..<5 {
            let task = try await start(opened.model)
            let start = ContinuousClock.now
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            times.append(start.duration(to: .now))
            // The thread is free again, not only the caller.
            #expect(try await opened.model.rows("SELECT 1 AS one").map(\.values) == [[1]])
        }
        // Within 50 milliseconds where a processor is free. The tests share theirs.
        #expect(try #require(times.min()) < .seconds(1))
        await opened.close()
    }

    @Test("Storages 3: closing ends a query that would never end", arguments: Place.allCases)
    func closed(_ place: Place) async throws {
        let opened = try await open(place)
        let task = try await start(opened.model)
        await opened.close()
        let error = await #expect(throws: StoreError.self) { try await task.value }
        #expect(error?.code == .closed)
        let later = await #expect(throws: StoreError.self) { try await opened.model.rows("SELECT 1 AS one") }
        #expect(later?.code == .closed)
    }

    enum Work: String, CaseIterable { case verify, backup }

    enum End: CaseIterable { case close, cancel }

    @Test(
        "Storages 3: a check and a backup end when the store closes or the task is cancelled", arguments: Work.allCases,
        End.allCases)
    func ended(_ work: Work, by end: End) async throws {
        let store = try SQLiteEventStore(path: folder())
        for _ in 0..<50 { try await store.append((0..<500).map { note("\($0)") }, to: "s-1") }
        let copy = folder("copy")
        // Holds the work up at its first progress.
        let progress = Lock((isReached: false, isOpen: false, steps: 0))
        let hold: @Sendable (WorkProgress) -> Void = { _ in
            progress.withLock { $0 = (true, $0.isOpen, $0.steps + 1) }
            progress.wait { $0.isOpen ? () : nil }
        }
        let task = Task {
            switch work {
            case .verify: _ = try await store.verify(progress: hold)
            case .backup: _ = try await store.backup(to: copy, progress: hold)
            }
        }
        try #require(try await eventually { progress.withLock { $0.isReached } })
        let closing = Task { if end == .close { await store.close() } }
        if end == .cancel { task.cancel() }
        if end == .close {
            try #require(
                try await eventually {
                    do { _ = try await store.head() } catch { return true }
                    return false
                })
        }
        progress.withLock { $0.isOpen = true }
        progress.wakeAll()
        let result = await task.result
        await closing.value
        await store.close()
        switch end {
        case .close: #expect(throws: StoreError.self) { try result.get() }
        case .cancel: #expect(throws: CancellationError.self) { try result.get() }
        }
        if case .failure(let error as StoreError) = result { #expect(error.code == .closed) }
        #expect(progress.withLock { $0.steps } <= 3)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(names.allSatisfy { !$0.hasPrefix("copy") })
    }

    @Test("Storages 3: the copy of a backup ends while SQLite writes it")
    func copying() async throws {
        let store = try SQLiteEventStore(path: folder())
        for _ in 0..<40 { try await store.append((0..<500).map { note("\($0)") }, to: "s-1") }
        let copy = folder("copy")
        let task = Task { try await store.backup(to: copy) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.url.path).allSatisfy { !$0.hasPrefix("copy") })
        await store.close()
    }
}
