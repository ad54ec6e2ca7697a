import Foundation
import SillokCore
import SillokDisk
import SillokIndexFile
import SillokStorage
import SillokTestSupport
import SillokTesting
import Testing

@testable import SillokLog

/// A filter spares lookups in the index file. It must never hide anything that the file has.
@Suite struct TableFilterTests {
    private let place = StorePlace()

    /// The histories that each test tries.
    private static let histories = Environment.count("SILLOK_SEQUENCES", default: 12)

    private static func tuning(_ hashBits: Int) -> LogTuning {
        var tuning = LogTuning.tiny
        tuning.hashBits = hashBits
        return tuning
    }

    @Test(arguments: [63, 8])
    func `repeats are recognized, whatever moves, fails or is rebuilt meanwhile`(_ hashBits: Int) async throws {
        for _ in 0..<Self.histories {
            let seed = UInt64.random(in: 0 ... .max)
            let path = place("history-\(seed)")
            let history = RandomHistory(path, Self.tuning(hashBits), seed: seed)
            let wrong = try await history.run(steps: 120)
            #expect(wrong == nil, "seed \(seed)")
            try FileManager.default.removeItem(atPath: path)
        }
    }

    @Test func `a filter that loses keys is caught`() async throws {
        var tuning = Self.tuning(63)
        tuning.filterLosesKeys = true
        var found = 0
        for seed in 0..<UInt64(Self.histories) {
            let history = RandomHistory(place("lossy-\(seed)"), tuning, seed: seed)
            do {
                let wrong = try await history.run(steps: 120)
                if wrong != nil { found += 1 }
            } catch is AppendError {
                found += 1
            }
        }
        #expect(found > Self.histories / 2, "\(found) of \(Self.histories)")
    }

    @Test func `new ids, streams and tags need no look at the file, also after a reopening`() async throws {
        for _ in 0..<2 {
            let store = try place.open()
            try await store.fill(0..<200, by: 10)
            let reader = try store.makeReader()
            let filter = try #require(reader.filter)
            let isComplete = try await eventually { filter.isComplete }
            #expect(isComplete)
            try reader.renew()
            var random = SystemRandomNumberGenerator()
            #expect(reader.view.start > 0)
            let keys = (0..<1000).map { _ in reader.keys.key(randomID(&random)) }
            #expect(reader.known(keys).count < 50)
            let names = (0..<1000).count { filter.mayHave(reader.keys.key(StreamID("new-\($0)"))) }
            #expect(names < 50)
            #expect(filter.bytes < 100_000)
            await store.close()
        }
    }

    @Test func `the filter is filled from the file in slices, without keys of time-ordered ids`() throws {
        let folder = TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder("s"), withIntermediateDirectories: true)
        let connection = try IndexFile.writer(folder("s"))
        try IndexFile.create(connection, StoreID())
        var sizes = RunSizes()
        sizes.chunkBytes = 1_000
        let writer = try EntryWriter(connection, sizes)
        let first = IndexKey.firstUnordered
        let keys = [.min, -9, -1, 0, 5, first - 1, first, first + 7, .max]
        let entries = keys.flatMap { key in (1...300).map { IndexEntry(key: key, position: $0) } }
        _ = try writer.move(entries, by: 100) { _ in
            true
        } finish: {
        }
        for rows in [1, 2, 7, 100] {
            let filter = TableFilter(highestOrdered: first - 1, LogTuning())
            var loading = FilterLoading(filter)
            var steps = 0
            while loading.isUnfinished {
                #expect(!filter.isComplete && filter.mayHave(-77))
                try loading.step(writer, rows: rows)
                steps += 1
            }
            #expect(filter.isComplete && steps >= 9 / rows)
            #expect(keys.allSatisfy(filter.mayHave))
            #expect(!filter.mayHave(-77) && !filter.mayHave(first + 8))
        }
    }
}

func randomID(_ random: inout some RandomNumberGenerator) -> EventID {
    EventID(
        high: random.next() & ~0xF000 | 0x4000, low: random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
}

/// A random history of one store: new appends, repeats, expected revisions, full disks, lost indexes and reopenings.
final class RandomHistory {
    private let path: String
    private let tuning: LogTuning
    private let disk = FaultyDisk()
    private var random: SeededNumbers
    private var stored: [(request: AppendRequest, receipt: Receipt)] = []
    private var revisions: [StreamID: UInt64] = [:]
    private var head: UInt64 = 0

    init(_ path: String, _ tuning: LogTuning, seed: UInt64) {
        (self.path, self.tuning) = (path, tuning)
        random = SeededNumbers(seed: seed)
    }

    /// Returns the first answer of the store that is wrong, or `nil`.
    func run(steps: Int) async throws -> String? {
        var store = try await open()
        for step in 0..<steps {
            var wrong: String?
            switch Int.random(in: 0..<20, using: &random) {
            case 0:
                await store.close()
                if Bool.random(using: &random) { IndexFile.remove(in: path) }
                store = try await open()
            case 1: wrong = try await failed(store)
            case 18: wrong = try await read(store)
            case 2..<8: wrong = try await repeated(store)
            default: wrong = try await appended(store, request())
            }
            if let wrong {
                await store.close()
                return "step \(step): \(wrong)"
            }
        }
        let isSound = try await store.verify().isSound
        await store.close()
        return isSound ? nil : "the store is not sound"
    }

    /// Opens the store, and sometimes waits until the filter is in use.
    private func open() async throws -> LogEventStore {
        let store = try LogEventStore(path: path, mode: .create, tuning: tuning, disk: disk)
        if Int.random(in: 0..<4, using: &random) > 0 {
            let filter = try #require(try store.makeReader().filter)
            let isComplete = try await eventually { filter.isComplete }
            #expect(isComplete)
        }
        return store
    }

    private func request() -> AppendRequest {
        let stream = StreamID("s-\(Int.random(in: 0..<40, using: &random))")
        var entries: [AppendRequest.Entry] = []
        for number in 0..<Int.random(in: 1...6, using: &random) {
            let id = Int.random(in: 0..<4, using: &random) == 0 ? EventID() : randomID(&random)
            let event = EventData(id: id, type: "noted", tags: ["t:\(number)"], text: "\(number)")
            entries.append(AppendRequest.Entry(stream: stream, event: event))
        }
        let revision = revisions[stream] ?? 0
        return AppendRequest(entries, if: .revision(Revision(revision), of: stream))
    }

    private func appended(_ store: LogEventStore, _ request: AppendRequest) async throws -> String? {
        let receipt: Receipt
        do {
            receipt = try await store.append(request)
        } catch {
            if case .conflict = error { return "\(error)" }
            throw error
        }
        let (end, stream) = (head + UInt64(request.entries.count), try #require(request.entries.first?.stream))
        if receipt.position.value != end { return "the head is \(receipt.position), not \(end)" }
        let revision = (revisions[stream] ?? 0) + end - head
        if receipt.revisions[stream]?.value != revision { return "another revision of \(stream)" }
        (head, revisions[stream]) = (end, revision)
        stored.append((request, receipt))
        return nil
    }

    /// Repeats an append, or one of its events in another append, which is refused.
    private func repeated(_ store: LogEventStore) async throws -> String? {
        guard let (request, receipt) = stored.randomElement(using: &random) else { return nil }
        if Bool.random(using: &random) {
            do {
                let again = try await store.append(request)
                return again == receipt ? nil : "another receipt for \(receipt.position)"
            } catch {
                return "\(error)"
            }
        }
        let old = request.entries[Int.random(in: 0..<request.entries.count, using: &random)].event
        let new = EventData(id: randomID(&random), type: "noted", text: "")
        do {
            let receipt = try await store.append([new, old], to: "other")
            return "\(old.id) is stored again at \(receipt.position)"
        } catch {
            if case .knownID = error { return nil }
            throw error
        }
    }

    /// Reads what one of the appends has stored, in every way.
    private func read(_ store: LogEventStore) async throws -> String? {
        guard let (request, receipt) = stored.randomElement(using: &random), let stream = request.entries[0].stream
        else { return nil }
        for (index, entry) in request.entries.enumerated() {
            let position = receipt.firstPosition.value + UInt64(index)
            if try await store.event(entry.event.id)?.position.value != position { return "\(position) has another id" }
        }
        if try await store.stream(stream)?.revision.value != revisions[stream] { return "\(stream) is elsewhere" }
        for direction in [ReadRequest.Direction.forward, .backward] {
            let expected = stored.flatMap { request, receipt in
                request.entries.indices.filter { request.entries[$0].stream == stream && $0 == 2 }
                    .map { receipt.firstPosition.value + UInt64($0) }
            }
            let query = EventQuery([.init(stream: stream, types: ["noted"], tags: ["t:2"])])
            let found = try await store.read(ReadRequest(query, direction: direction, limit: 1000))
            let positions = found.events.map(\.position.value)
            if positions != (direction == .forward ? expected : expected.reversed()) || !found.isEnd {
                return "\(stream) has other events with the tag: \(positions), not \(expected)"
            }
        }
        return nil
    }

    /// Appends while no segment can be made, and again when there is room.
    private func failed(_ store: LogEventStore) async throws -> String? {
        disk.faults.withLock { $0.creating = ENOSPC }
        defer { disk.faults.withLock { $0.creating = nil } }
        let request = request()
        do {
            return try await appended(store, request)
        } catch let error as AppendError {
            guard error.failure?.code == .full else { throw error }
        }
        disk.faults.withLock { $0.creating = nil }
        return try await appended(store, request)
    }
}
