import Sillok
import SillokCore
import SillokSQLite
import SillokTesting
import Testing

/// Events with distant positions are read many at a time; results must not depend on that.
@Suite struct SparseReadingTests {
    private let folder = TemporaryFolder()

    private static let queries: [EventQuery] = [
        .stream("s-3"), .tags("t:1"), .tags("t:1", "u:2"), .category("s"), .all,
        EventQuery([EventQuery.Item(stream: "s-3"), EventQuery.Item(tags: ["u:4"])]),
    ]

    /// A log of a few thousand events, and the same log in memory.
    private func filled(
        _ limits: Limits, _ tuning: Tuning = Tuning()
    ) async throws -> (SQLiteEventStore, MemoryEventStore) {
        var random = SeededGenerator.printed("sparse reading")
        let store = try SQLiteEventStore(
            path: folder(), mode: .create, limits: limits, clock: .system, tuning: tuning)
        let memory = MemoryEventStore(limits: limits)
        for round in 0..<30 {
            let entries = (0..<100).map { index in
                let tags = [
                    EventTag("t", "\(Int.random(in: 0..<20, using: &random))"),
                    EventTag("u", "\(Int.random(in: 0..<5, using: &random))"),
                ]
                let stream = StreamID("s-\(Int.random(in: 0..<12, using: &random))")
                return AppendRequest.Entry(stream: stream, event: note("\(round)/\(index)", tags: tags))
            }
            _ = try await store.append(AppendRequest(entries))
            _ = try await memory.append(AppendRequest(entries))
        }
        return (store, memory)
    }

    @Test(arguments: queries)
    func `pages of every size are those of the store in memory`(_ query: EventQuery) async throws {
        var limits = Limits()
        limits.pageBytes = 3000
        let (store, memory) = try await filled(limits)
        for limit in [1, 2, 31, 32, 33, 64, 65, 1000] {
            var next: ReadRequest? = ReadRequest(query, limit: limit)
            while let request = next {
                let (found, wanted) = (try await store.read(request), try await memory.read(request))
                #expect(found.events.map(\.position) == wanted.events.map(\.position))
                #expect(found.events.map(\.data) == wanted.events.map(\.data))
                #expect(found.through == wanted.through && found.isEnd == wanted.isEnd)
                next = request.next(after: found)
                if limit < 31 && found.through > 400 { break }
            }
        }
        for after in stride(from: UInt64(0), to: 300, by: 37) {
            let bound = ReadRequest.Bound.revision(Revision(after))
            let request = ReadRequest(.stream("s-3"), after: bound, limit: 50)
            let (found, wanted) = (try await store.read(request), try await memory.read(request))
            #expect(found.events.map(\.position) == wanted.events.map(\.position))
        }
        await store.close()
    }

    @Test func `an event that is missing is named, wherever it lies in what is read`() async throws {
        // The index of the newest events is made from them: here it is stored.
        let (store, memory) = try await filled(Limits(), .tiny)
        let positions = try await memory.read(.stream("s-3"), limit: 100).events.map(\.position.value)
        await store.close()
        let path = folder()
        for missing in [positions[0], positions[5], positions[31], positions[32], positions[40]] {
            try tamper(path, "UPDATE events SET position = -position WHERE position = \(missing)")
            let opened = try SQLiteEventStore(path: path, mode: .readOnly)
            let error = await #expect(throws: StoreError.self) { try await opened.read(.stream("s-3"), limit: 100) }
            #expect(error?.code == .corrupt)
            #expect(error?.message.contains("position \(missing) is missing") == true)
            await opened.close()
            try tamper(path, "UPDATE events SET position = -position WHERE position = -\(missing)")
        }
    }
}
