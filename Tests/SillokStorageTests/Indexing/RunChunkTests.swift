import SillokStorage
import SillokTestSupport
import Testing

@Suite struct RunChunkTests {
    private func chunks(_ entries: [IndexEntry], _ maximumBytes: Int) throws -> [[IndexEntry]] {
        var (rest, found, bytes) = (entries[...], [[IndexEntry]](), [UInt8(7)])
        while !rest.isEmpty {
            let count = RunChunk.encode(rest, maximumBytes: maximumBytes, into: &bytes)
            #expect(count > 0 && (count == 1 || bytes.count <= maximumBytes))
            rest = rest.dropFirst(count)
            try bytes.withUnsafeBytes { bytes in
                let chunk = try #require(RunChunk(bytes))
                #expect(chunk.count == count)
                found.append((0..<chunk.count).map { chunk[$0] })
            }
        }
        return found
    }

    @Test(arguments: [0, 40, 200, 4_000])
    func `chunks have the entries that were put in`(_ maximumBytes: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededNumbers(seed: seed)
        for shift in stride(from: UInt64(1), to: 63, by: 4) {
            let entries = (0..<300).map { _ in
                IndexEntry(key: Int64(random.next() >> shift), position: 1 + Int64(random.next() >> (64 - shift)))
            }.sorted(by: IndexEntry.isBefore)
            #expect(try chunks(entries, maximumBytes).flatMap { $0 } == entries, "seed \(seed)")
        }
        let edges = [0, 0, 1, 255, 256, 1 << 62, .max, .max].enumerated().map {
            IndexEntry(key: $0.element, position: $0.offset % 2 == 0 ? 1 : .max)
        }.sorted(by: IndexEntry.isBefore)
        #expect(try chunks(edges, maximumBytes).flatMap { $0 } == edges)
    }

    @Test func `the first entry of a key is found, or the one behind it`() throws {
        let entries = [3, 3, 5, 9, 9, 9, 200].map { IndexEntry(key: $0, position: 7) }
        var bytes: [UInt8] = []
        #expect(RunChunk.encode(entries[...], maximumBytes: 4_000, into: &bytes) == 7)
        try bytes.withUnsafeBytes { bytes in
            let chunk = try #require(RunChunk(bytes))
            for (key, index) in [(0, 0), (3, 0), (4, 2), (5, 2), (6, 3), (9, 3), (10, 6), (200, 6), (201, 7)] {
                #expect(chunk.firstIndex(from: Int64(key)) == index)
            }
        }
    }

    @Test func `random ids take 10 bytes, and damaged bytes are no chunk`() throws {
        var random = SeededNumbers(seed: 1)
        let entries = (1...26_000).map { IndexEntry(key: Int64(random.next() >> 1), position: $0) }
            .sorted(by: IndexEntry.isBefore)
        var bytes: [UInt8] = []
        let count = RunChunk.encode(entries[...], maximumBytes: 4_000, into: &bytes)
        #expect(bytes.count <= 4_000 && bytes.count <= 10 * (count + 2))
        for damaged in [[], [0], Array(bytes.dropLast()), bytes + [0], [UInt8](repeating: 0, count: 20)] {
            damaged.withUnsafeBytes { #expect(RunChunk($0) == nil) }
        }
    }
}
