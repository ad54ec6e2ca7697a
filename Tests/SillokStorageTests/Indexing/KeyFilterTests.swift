import SillokStorage
import SillokTestSupport
import Testing

@Suite struct KeyFilterTests {
    @Test func `a filter never misses a key, also while it grows and when it may not grow any more`() {
        let seed = UInt64.random(in: 0 ... .max)
        for (keys, maximum) in [(16, 1 << 30), (1, 64), (1000, 4096), (65_536, 1 << 30)] {
            var random = SeededNumbers(seed: seed)
            var filter = KeyFilter(keys: keys, maximumBytes: maximum)
            var added: [Int64] = []
            for count in 0..<20_000 {
                let key = count % 3 == 0 ? Int64(count) : Int64(bitPattern: random.next())
                filter.insert(key)
                added.append(key)
                if count % 500 == 0 { #expect(added.allSatisfy(filter.mayContain), "seed \(seed)") }
            }
            #expect(added.allSatisfy(filter.mayContain), "seed \(seed)")
        }
    }

    @Test func `a filter takes few unknown keys for known ones, and 2 to 4 bytes a key`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededNumbers(seed: seed)
        var (filter, added) = (KeyFilter(keys: 4096, maximumBytes: 1 << 30), 0)
        for count in [1000, 4096, 100_000, 300_000] {
            while added < count {
                filter.insert(Int64(bitPattern: random.next()))
                added += 1
            }
            let wrong = (0..<100_000).count { _ in filter.mayContain(Int64(bitPattern: random.next())) }
            #expect(wrong < 1000, "\(wrong) of 100,000 after \(count) keys, seed \(seed)")
            #expect(filter.bytes <= max(8192, 4 * count), "\(filter.bytes) bytes for \(count) keys")
        }
    }

    @Test func `keys that are looked up together get the answers of single ones`() {
        let seed = UInt64.random(in: 0 ... .max)
        var (filter, random) = (KeyFilter(keys: 64, maximumBytes: 1 << 30), SeededNumbers(seed: seed))
        var keys: [Int64] = []
        for count in 0..<1000 {
            let key = Int64(bitPattern: random.next())
            if count % 2 == 0 { filter.insert(key, isNew: count % 4 == 0) }
            keys.append(key)
        }
        for count in [0, 1, 63, 64, 65, 1000] {
            var found: [Int] = []
            filter.find(Array(keys[..<count])) { found.append($0) }
            #expect(found == (0..<count).filter { filter.mayContain(keys[$0]) }, "seed \(seed)")
        }
    }

    @Test func `a filter stays within its memory`() {
        var (filter, random) = (KeyFilter(keys: 1024, maximumBytes: 20_000), SeededNumbers(seed: 7))
        for _ in 0..<50_000 { filter.insert(Int64(bitPattern: random.next())) }
        #expect(filter.bytes <= 20_000)
        #expect(filter.bytes > 10_000)
    }
}
