import Foundation
import SillokCore
import SillokIndexFile
import SillokStorage
import SillokTestSupport
import SillokTesting
import Testing

@testable import SillokLog

/// The rebuild of the index while the store serves: every answer is the same as with an index.
@Suite struct RebuildTests {
    private let place = StorePlace()

    /// Holds up a rebuild before each of its steps.
    private final class Gate: Sendable {
        private let steps = Lock<Int?>(0)

        /// Lets a number of steps through; `nil`: all.
        func open(_ count: Int?) {
            steps.withLock { left in
                guard let count, let now = left else { return left = nil }
                left = now + count
            }
        }

        func pass() -> Bool {
            steps.withLock { steps in
                guard let left = steps else { return true }
                steps = max(0, left - 1)
                return left > 0
            }
        }
    }

    private func tuning(_ gate: Gate) -> LogTuning {
        var tuning = LogTuning.tiny
        tuning.mayRebuild = { gate.pass() }
        return tuning
    }

    private func filled(_ count: Int) async throws {
        let store = try place.open()
        try await store.fill(0..<count, by: 7)
        _ = try await store.append(AppendRequest([], tracking: Tracking(source: "other", position: 9)))
        await store.close()
    }

    /// What is readable while an index is rebuilt, but not the list of streams and the verification.
    private func expectReadable(_ store: LogEventStore, _ count: Int) async throws {
        var ids: [EventID] = []
        for try await page in store.pages(.all) { ids += page.events.map(\.id) }
        #expect(ids.count == count)
        for third in 0..<3 {
            let expected = (0..<count).filter { $0 % 3 == third }.map { UInt64($0 + 1) }
            for direction in [ReadRequest.Direction.forward, .backward] {
                let tagged = try await store.read(
                    ReadRequest(.tags(EventTag("third", "\(third)")), direction: direction, limit: 1000))
                #expect(tagged.events.map(\.position.value) == (direction == .forward ? expected : expected.reversed()))
            }
        }
        for number in [0, 1, count / 2, count - 1] {
            #expect(try await store.event(ids[number])?.position.value == UInt64(number + 1))
        }
        for stream in 0..<5 {
            let facts = try await store.stream(StreamID("s-\(stream)"))
            #expect(facts?.revision.value == UInt64((count + 4 - stream) / 5))
        }
        #expect(try await store.stream("s-9") == nil)
        #expect(try await store.event(EventID()) == nil)
        #expect(try await store.tracking(of: "other")?.position == 9)
        #expect(try await store.tracking(of: "another") == nil)
    }

    @Test func `the store answers before, during and after the rebuild of a deleted index`() async throws {
        try await filled(200)
        IndexFile.remove(in: place())
        let (gate, seen) = (Gate(), Lock<[WorkProgress]>([]))
        let store = try LogEventStore(path: place(), mode: .existing, tuning: tuning(gate)) { step in
            seen.withLock { $0.append(step) }
        }
        #expect(store.indexRebuild == WorkProgress(step: "index", done: 0, total: 200))
        try await expectReadable(store, 200)
        // A list cannot be answered yet.
        let error = await #expect(throws: StoreError.self) { try await store.streams(in: nil, after: nil, limit: 9) }
        #expect(error?.code == .overloaded && error?.retryAfter != nil)
        async let appended: Void = store.fill(200..<201)
        gate.open(10)
        let hasBegun = try await eventually { store.indexRebuild?.step == "survey" }
        #expect(hasBegun)
        try await expectReadable(store, 200)
        gate.open(15)
        // All 25 chunks are surveyed: appends are answered, although the file has nothing.
        try await appended
        #expect(store.indexRebuild?.done == 0)
        try await store.fill(201..<330, by: 3)
        try await expectReadable(store, 330)
        #expect(try await store.streams(in: "s", after: nil, limit: 9).map(\.revision.value) == [66, 66, 66, 66, 66])
        var known = 330
        while let progress = store.indexRebuild {
            gate.open(2)
            _ = try await eventually { store.indexRebuild != progress }
            try await store.fill(known..<known + 2)
            known += 2
            try await expectReadable(store, known)
        }
        gate.open(nil)
        try await store.expect(known)
        await store.close()
        #expect(seen.withLock { $0.last.map { $0.done == $0.total } } == true)
        let again = try place.open()
        #expect(again.indexRebuild == nil || again.indexRebuild?.total == UInt64(known))
        try await again.expect(known)
        await again.close()
    }

    @Test func `repeats, revisions and conditions are judged as with an index`() async throws {
        for hashBits in [63, 8] {
            for seed in 0..<UInt64(Environment.count("SILLOK_SEQUENCES", default: 12)) {
                let pauses = Lock(SeededGenerator(seed: seed))
                var tuning = LogTuning.tiny
                tuning.hashBits = hashBits
                // Varies how much happens between the steps.
                tuning.mayRebuild = { pauses.withLock { Int.random(in: 0..<4, using: &$0) == 0 } }
                let path = place("rebuilt-\(hashBits)-\(seed)")
                let wrong = try await RandomHistory(path, tuning, seed: seed).run(steps: 120)
                #expect(wrong == nil, "seed \(seed), \(hashBits) bits")
                try FileManager.default.removeItem(atPath: path)
            }
        }
    }

    @Test func `a store that is closed or killed during a rebuild continues it later`() async throws {
        try await filled(150)
        IndexFile.remove(in: place())
        for steps in [0, 3, 19, 21, 23, 26] {
            let gate = Gate()
            let store = try LogEventStore(path: place(), mode: .existing, tuning: tuning(gate))
            gate.open(steps)
            // An append that waits for the survey is refused by the closing, and not stored.
            let task = Task { try await store.append([note(1)], to: "late") }
            if steps == 0 { _ = try await eventually { store.queuedBytes > 0 } }
            async let closed: Void = store.close()
            if steps == 0 {
                await #expect(throws: AppendError.self) { _ = try await task.value }
            }
            gate.open(nil)
            await closed
            _ = try? await task.value
            let image = try place.image("killed-\(steps)")
            let killed = try LogEventStore(path: image, mode: .existing, tuning: .tiny)
            #expect(try await killed.verify().isSound)
            await killed.close()
        }
    }

    @Test func `an index that is damaged in any place is replaced, and nothing is answered wrongly`() async throws {
        try await filled(400)
        let path = IndexFile.path(in: place())
        let seed = UInt64.random(in: 0..<1_000_000)
        var random = SeededGenerator(seed: seed)
        let whole = try #require(FileManager.default.contents(atPath: path))
        for round in 0..<Environment.count("SILLOK_DAMAGES", default: 24) {
            let image = try place.image("damaged-\(round)")
            IndexFile.remove(in: image)
            var bytes = whole
            if round.isMultiple(of: 2) {
                bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))
            } else {
                let page = Int.random(in: 0..<bytes.count / 4096, using: &random) * 4096
                bytes.replaceSubrange(page..<page + 4096, with: repeatElement(0x5A, count: 4096))
            }
            try bytes.write(to: URL(filePath: IndexFile.path(in: image)))
            let store = try LogEventStore(path: image, mode: .existing, tuning: .tiny)
            for number in 0..<400 {
                // The first read of the damaged part is refused, and has the file replaced.
                do {
                    let query = EventQuery([.init(stream: StreamID("s-\(number % 5)"))])
                    _ = try await store.read(ReadRequest(query, limit: 1000))
                } catch let error as StoreError {
                    #expect(error.code == .overloaded, "seed \(seed), round \(round): \(error)")
                }
            }
            let isComplete = try await eventually { store.indexRebuild == nil }
            #expect(isComplete)
            if try await store.verify().isSound { try await expectReadable(store, 400) }
            await store.close()
            try FileManager.default.removeItem(atPath: image)
        }
    }

    @Test func `appends are refused while more events are missing than a survey may keep`() async throws {
        try await filled(120)
        IndexFile.remove(in: place())
        let gate = Gate()
        var tuning = tuning(gate)
        tuning.surveyedEvents = 50
        let store = try LogEventStore(path: place(), mode: .existing, tuning: tuning)
        let error = await #expect(throws: AppendError.self) { try await store.append([note(120)], to: "s-0") }
        #expect(error?.failure?.code == .overloaded && error?.failure?.outcome == .unknown)
        try await expectReadable(store, 120)
        gate.open(nil)
        let isComplete = try await eventually { store.indexRebuild == nil }
        #expect(isComplete)
        try await store.fill(120..<130)
        try await store.expect(130)
        await store.close()
    }
}
