import CSQLite
import Sillok
import SillokCore
import SillokSQLiteConnections
import SillokStorage
import SillokTesting
import Testing

@testable import SillokSQLite

/// Pages and plans take steps that depend on the rarest part of a query, and no more than their limit.
@Suite struct BoundedReadingTests {
    @Test("W1: a page that finds nothing ends early and returns how far it searched", arguments: [131_072, 15])
    func pageEndsEarly(tailEntries: Int) async throws {
        var (limits, tuning) = (Limits(), Tuning())
        limits.pageSteps = 1_000
        tuning.tailEntries = tailEntries
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(
            path: folder(), mode: .create, limits: limits, clock: .system, tuning: tuning)
        let memory = MemoryEventStore(limits: limits)
        var entries = halves(6_000)
        entries.append(entry(0, tags: meeting.tags))
        for log in [store as any EventStore, memory] {
            for start in stride(from: 0, to: entries.count, by: 1000) {
                try await log.append(AppendRequest(Array(entries[start..<min(start + 1000, entries.count)])))
            }
            for direction in [ReadRequest.Direction.forward, .backward] {
                var (found, pages, empty): ([UInt64], Int, Int) = ([], 0, 0)
                for try await page in log.pages(ReadRequest(EventQuery([meeting]), direction: direction)) {
                    found += page.events.map(\.position.value)
                    pages += 1
                    if page.events.isEmpty && !page.isEnd { empty += 1 }
                }
                #expect(found == [6_001])
                #expect(empty >= 2 && pages < 100, "\(pages) pages, \(empty) of them empty")
            }
            // What asks for one event gets it from a later page.
            #expect(try await log.firstEvent(of: ReadRequest(EventQuery([meeting]), limit: 1))?.position == 6_001)
            var batches = log.subscribe(to: EventQuery([meeting])).makeAsyncIterator()
            var through = Position.start
            while let batch = try await batches.next(), batch.events.isEmpty {
                #expect(batch.through > through)
                through = batch.through
            }
            #expect(through < 6_001)
        }
        await store.close()
    }

    @Test("W2: the rarest part of an item drives it in any written order", arguments: [131_072, 15])
    func rarestPartDrives(tailEntries: Int) async throws {
        let tuning = Tuning(tailEntries: tailEntries)
        let (count, rare) = (20_000, 20)
        let entries = (0..<count).map { number in
            let isRare = number % (count / rare) == 7
            return entry(number, in: "c-1", tags: ["common", "most"] + (isRare ? ["rare"] : []))
        }
        let log = try await Budgeted(entries, tuning: tuning)
        defer { withExtendedLifetime(log) {} }
        let reader = try log.reader()
        for direction in [ReadRequest.Direction.forward, .backward] {
            var steps: [Int] = []
            for tags in [EventTag("common"), "most", "rare"].permutations {
                let items = [EventQuery.Item(category: "c", types: ["noted"], tags: tags)]
                let walk = try reader.walk(items, direction)
                #expect(walk.positions.count == rare)
                steps.append(walk.steps)
            }
            // Each of the rare events is looked up in five lists.
            let largest = try #require(steps.max()), smallest = try #require(steps.min())
            #expect(largest < rare * 5 * 16, "\(steps)")
            #expect(Double(largest) < 1.5 * Double(smallest), "\(steps)")
            for tags in [EventTag("common"), "most", "nowhere"].permutations {
                let walk = try reader.walk([EventQuery.Item(tags: tags)], direction)
                #expect(walk.positions.isEmpty && walk.steps < 100)
            }
        }
    }

    @Test("W2: a rare part is asked in its turn, also behind frequent parts that never meet", arguments: [131_072, 15])
    func rareBehindFrequent(tailEntries: Int) async throws {
        let tuning = Tuning(tailEntries: tailEntries)
        let (count, rare) = (20_000, 20)
        let entries = (0..<count).map { number in
            entry(number, tags: ["half:\(number % 2)"] + (number % (count / rare) == 7 ? ["rare"] : []))
        }
        let log = try await Budgeted(entries, tuning: tuning)
        defer { withExtendedLifetime(log) {} }
        let reader = try log.reader()
        for direction in [ReadRequest.Direction.forward, .backward] {
            for tags in [EventTag("half:0"), "half:1", "rare"].permutations {
                let walk = try reader.walk([EventQuery.Item(tags: tags)], direction)
                // For each rare event every list skips once, and reads a block of entries for it.
                #expect(walk.positions.isEmpty && walk.steps < (rare + 1) * 3 * 20, "\(tags): \(walk.steps)")
            }
        }
    }

    @Test("W2: a leap over a dense list reads few of its entries, after it was walked too")
    func leapsReadLittle() async throws {
        let tuning = Tuning(tailEntries: 15)
        // The rare tag comes with the dense one at first, so that its list is walked; later it leaps.
        let entries = (0..<20_000).map { number in
            entry(number, tags: ["dense"] + (number < 2_000 || number % 900 == 0 ? ["rare"] : []))
        }
        let log = try await Budgeted(entries, tuning: tuning)
        defer { withExtendedLifetime(log) {} }
        let reader = try log.reader()
        let walk = try reader.walk([EventQuery.Item(tags: ["dense", "rare"])], .forward)
        #expect(walk.positions.count == 2_020)
        #expect(walk.steps < 2 * 2_000 + 2 * 1_024 + 20 * 60, "\(walk.steps)")
    }

    @Test("W2: a read after a revision is exact, so that it may end anywhere")
    func exactRevisions() async throws {
        let entries = (0..<3_000).map {
            entry($0, in: $0 % 3 == 0 ? "a-1" : "b-1", tags: $0 % 7 == 0 ? ["seventh"] : [])
        }
        let log = try await Budgeted(entries, tuning: .tiny)
        defer { withExtendedLifetime(log) {} }
        let reader = try log.reader()
        for bound: UInt64 in [0, 1, 2, 255, 256, 257, 511, 512, 700, 999, 1_000, 1_001, 5_000] {
            for steps in [1, 20, 100_000] {
                let item = EventQuery.Item(stream: "a-1", tags: ["seventh"])
                let after = try reader.pages(
                    of: ReadRequest(EventQuery([item]), after: .revision(Revision(bound)), limit: 50), steps: steps)
                let before = try reader.pages(
                    of: ReadRequest(
                        EventQuery([item]), before: .revision(Revision(bound)), direction: .backward, limit: 50),
                    steps: steps)
                // The first of each seven events of the stream has the tag.
                let all: [UInt64] = Array(stride(from: 1, through: 1_000, by: 7))
                #expect(after.flatMap(\.events).map(\.revision.value) == all.filter { $0 > bound })
                #expect(before.flatMap(\.events).map(\.revision.value) == all.filter { $0 < bound }.reversed())
            }
        }
    }

    @Test("W13: the first page of an idle category does not walk the names of other streams")
    func idleCategory() async throws {
        var work: [Int] = []
        for others in [100, 4_000] {
            let entries = [entry(0, in: "idle-1"), entry(0, in: "idle-2")]
            let log = try await Budgeted(entries + (0..<others).map { entry($0, in: StreamID("a-\($0)")) })
            defer { withExtendedLifetime(log) {} }
            let reader = try log.reader()
            let count = Counter()
            let context = Unmanaged.passUnretained(count).toOpaque()
            let streams = try reader.connection.reading {
                _ = try reader.streams(in: "idle", after: nil, limit: 100)
                sqlite3_progress_handler(
                    reader.connection.handle, 1,
                    { context in
                        if let context { Unmanaged<Counter>.fromOpaque(context).takeUnretainedValue().count += 1 }
                        return 0
                    }, context)
                defer { sqlite3_progress_handler(reader.connection.handle, 0, nil, nil) }
                return try reader.streams(in: "idle", after: nil, limit: 100)
            }
            #expect(streams.map(\.id) == ["idle-1", "idle-2"])
            work.append(count.count)
        }
        #expect(work[0] > 0 && work[1] <= work[0] + 10, "\(work)")
    }

    @Test("W13: the streams of a category come in the order of their bytes, for all kinds of names")
    func oddNames() async throws {
        let names = [
            "a", "a-", "a-1", "a--", "a-\u{10FFFF}", "a.", "a.b-1", "a!-1", "ab-1", "ab", "A-1", "é-1", "e\u{301}-1",
            "-",
            "-1", "b-2", "b-10",
        ]
        var random = SeededGenerator.printed("odd names")
        let entries = names.shuffled(using: &random).map { entry(0, in: StreamID($0)) }
        let log = try await Budgeted(entries)
        defer { withExtendedLifetime(log) {} }
        let reader = try log.reader()
        let streams = names.map { StreamID($0) }.sorted()
        for category in Set(streams.map(\.category)).union(["a-b", "none"]) {
            let expected = streams.filter { $0.category == category }
            for after in [nil] + streams.map(Optional.some) {
                for limit in 1...5 {
                    let found = try reader.connection.reading {
                        try reader.streams(in: category, after: after, limit: limit).map(\.id)
                    }
                    let wanted = expected.filter { name in after.map { $0 < name } ?? true }.prefix(limit)
                    #expect(found == Array(wanted), "\(category) after \(String(describing: after)), \(limit)")
                }
            }
        }
    }
}

private final class Counter { var count = 0 }
