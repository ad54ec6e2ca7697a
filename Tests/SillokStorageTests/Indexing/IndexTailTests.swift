import SillokCore
import SillokStorage
import SillokTesting
import Testing

@Suite struct IndexTailTests {
    @Test func `the tail answers as a plain list of its entries does, whatever is added and taken back`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var tail = IndexTail(capacity: 32)
        var expected: [(key: Int64, position: Int64)] = []
        var position: Int64 = 0
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0:
                tail.restart(after: position)
                expected = []
            case 1...4:
                let through = Int64.random(in: tail.start...position, using: &random)
                tail.forget(through: through)
                expected.removeAll { $0.position <= through }
            case 5...12:
                position = Int64.random(in: max(tail.start, position - 5)...position, using: &random)
                tail.rewind(to: position)
                expected.removeAll { $0.position > position }
            default:
                position += 1
                for key in Set((0..<3).map { _ in Int64.random(in: -12...12, using: &random) }) {
                    tail.add(key, position)
                    expected.append((key, position))
                }
            }
            let (key, limit) = (Int64.random(in: -12...12, using: &random), Int.random(in: 1...6, using: &random))
            let bound = Int64.random(in: max(0, position - 40)...position + 2, using: &random)
            let carrying = expected.filter { $0.key == key }.map(\.position)
            var (up, down): ([Int64], [Int64]) = ([-7], [-7])
            tail.read(key, from: bound, .forward, limit: limit, into: &up)
            tail.read(key, from: bound, .backward, limit: limit, into: &down)
            #expect(up == [-7] + carrying.filter { $0 >= bound }.prefix(limit), "seed \(seed)")
            #expect(down == [-7] + carrying.filter { $0 <= bound }.reversed().prefix(limit), "seed \(seed)")
            #expect(tail.entries.count == expected.count, "seed \(seed)")
            #expect(tail.end == position, "seed \(seed)")
        }
    }

    @Test(arguments: [40, 8_000]) func `events that are added together are found and sorted as single ones`(
        _ count: Int
    ) {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var (together, single) = (IndexTail(capacity: 64), IndexTail(capacity: 64))
        var (added, position): (Set<Int64>, Int64) = ([], 0)
        while position < count {
            let size = Int.random(in: 1...9, using: &random)
            let ids = (0..<size).map { _ in Int64.random(in: 0 ... .max, using: &random) }
            let names = Array(Set((0..<3).map { _ in Int64.random(in: -40 ... -1, using: &random) }))
            together.add(ids: ids[...], names: names[...], from: position + 1)
            for id in ids {
                position += 1
                for key in [id] + names { single.add(key, position) }
            }
            added.formUnion(ids + names)
            if Int.random(in: 0..<20, using: &random) == 0 {
                position = max(0, position - 3)
                together.rewind(to: position)
                single.rewind(to: position)
                added = Set(single.entries.map(\.key))
            }
        }
        let sorted = together.sortedEntries.map { [$0.key, $0.position] }
        #expect(sorted == single.sortedEntries.map { [$0.key, $0.position] }, "seed \(seed)")
        #expect(sorted == sorted.sorted { $0.lexicographicallyPrecedes($1) }, "seed \(seed)")
        #expect(sorted.count == single.entries.count, "seed \(seed)")
        let keys = (added.union((0..<100).map { _ in Int64.random(in: .min ... .max, using: &random) })).shuffled()
        var found: [Int64] = []
        together.find(keys) { found.append(keys[$0]) }
        #expect(found.count == added.count && Set(found) == added, "seed \(seed)")
    }
}
