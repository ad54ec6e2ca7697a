import Sillok
import SillokSQL
import SillokSQLiteConnections
import SillokStorage
import SillokTesting
import Testing

@testable import SillokSQLite

/// Limits and sizes of any value: a store uses the nearest one that it supports, and never traps.
@Suite(.timeLimit(.minutes(10))) struct LimitValueTests {
    static let members: [(name: String, path: any WritableKeyPath<Limits, Int> & Sendable)] = [
        ("payloadBytes", \.payloadBytes), ("batchBytes", \.batchBytes), ("batchEvents", \.batchEvents),
        ("metadataBytes", \.metadataBytes), ("tags", \.tags), ("tagBytes", \.tagBytes),
        ("streamBytes", \.streamBytes), ("typeBytes", \.typeBytes), ("queryItems", \.queryItems),
        ("pageEvents", \.pageEvents), ("pageBytes", \.pageBytes), ("conflictEvents", \.conflictEvents),
        ("conditionSteps", \.conditionSteps), ("pageSteps", \.pageSteps), ("queueBytes", \.queueBytes),
    ]
    static let sizes: [(name: String, path: any WritableKeyPath<Tuning, Int> & Sendable)] = [
        ("tailEntries", \.tailEntries), ("settlingSlice", \.settlingSlice), ("checkpointPages", \.checkpoints.pages),
        ("manyPages", \.checkpoints.manyPages), ("cachedNames", \.cachedNames), ("conversionBatch", \.conversionBatch),
        ("writerSteps", \.writerSteps), ("groupSteps", \.groupSteps), ("readers", \.readers),
    ]
    static let values = [0, -1, .min, .max]

    /// Uses a store with these limits: it answers, or throws one of its own errors.
    static func exercise(_ store: some EventStore) async throws {
        func tried(_ body: () async throws -> Void) async throws {
            do {
                try await body()
            } catch {
                switch AppendError(error) {
                case .invalid, .conflict: return
                case .failed(let failure) where [.tooExpensive, .overloaded, .refused].contains(failure.code): return
                case .failed, .knownID, .tracking, .refused: throw error
                }
            }
        }
        var events: [EventData] { (0..<3).map { EventData(type: "t", tags: ["x", "y"], text: "\($0)") } }
        try await tried { try await store.append(events, to: "s-1") }
        try await tried { try await store.append([EventData(type: "t", payload: [])]) }
        try await tried { try await store.append(events, if: .absent(.tags("x", "y"))) }
        try await tried { try await store.append(events, to: "s-1", if: .revision(1, of: "s-1")) }
        for direction in [ReadRequest.Direction.forward, .backward] {
            for limit in [1, store.limits.pageEvents] {
                try await tried { _ = try await store.read(ReadRequest(direction: direction, limit: limit)) }
                try await tried {
                    _ = try await store.read(ReadRequest(.tags("x", "y"), direction: direction, limit: limit))
                }
            }
        }
        try await tried { _ = try await store.streams(in: nil, after: nil, limit: store.limits.pageEvents) }
        try await tried {
            for try await page in store.pages(ReadRequest(limit: store.limits.pageEvents)) where page.isEnd { break }
        }
    }

    @Test("Storages 4: a store in memory or in a file takes limits of any value", arguments: members.indices)
    func limits(_ index: Int) async throws {
        for value in Self.values {
            var limits = Limits()
            limits[keyPath: Self.members[index].path] = value
            let memory = MemoryEventStore(limits: limits)
            let folder = TemporaryFolder()
            let file = try SQLiteEventStore(path: folder(), limits: limits)
            #expect(memory.limits == file.limits)
            let used = memory.limits[keyPath: Self.members[index].path]
            #expect((0...1 << 40).contains(used), "\(Self.members[index].name) \(value) → \(used)")
            try await Self.exercise(memory)
            try await Self.exercise(file)
            #expect(try await file.verify().isSound)
            await file.close()
        }
    }

    @Test(
        "Storages 4: a lead of the clock of any length",
        arguments: [Duration.zero, .seconds(-1), .seconds(Int64.max), .seconds(Int64.min)])
    func clockLead(_ lead: Duration) async throws {
        var limits = Limits()
        limits.clockLead = lead
        let folder = TemporaryFolder()
        let (memory, file) = (
            MemoryEventStore(limits: limits), try SQLiteEventStore(path: folder(), limits: limits)
        )
        let entry = AppendRequest.Entry(
            stream: "s-1", event: note("a"), recordedAt: WallClock.system.now().advanced(byMicroseconds: -1))
        _ = try await memory.append(AppendRequest([entry]))
        _ = try await file.append(AppendRequest([entry]))
        #expect(memory.limits.clockLead >= .zero && file.limits.clockLead >= .zero)
        await file.close()
    }

    @Test("Storages 4: a store takes sizes of any value", arguments: sizes.indices)
    func tuning(_ index: Int) async throws {
        for value in Self.values {
            var tuning = Tuning()
            tuning[keyPath: Self.sizes[index].path] = value
            let folder = TemporaryFolder()
            let store = try SQLiteEventStore(
                path: folder(), mode: .create, limits: Limits(), clock: .system, tuning: tuning)
            try await Self.exercise(store)
            #expect(try await store.verify().isSound)
            await store.close()
            let model = try SQLiteReadModel(
                path: folder("views"), checkpoints: tuning.checkpoints, timeout: .seconds(1))
            try await model.write(ReadModelWrite([.init("CREATE TABLE t (x)")]))
            await model.close()
        }
    }
}
