import Foundation
import SillokCore
import SillokIndexFile
import SillokSQLiteConnections
import SillokStorage
import SillokTestSupport
import SillokTesting
import Testing

/// The runs of ids in the index file have every entry exactly once while runs are merged, abandoned and deleted.
@Suite struct RunTests {
    private let folder = TemporaryFolder()

    private struct File {
        let connection: Connection
        var writer: EntryWriter
        let table: IndexTable
        private let sizes: RunSizes

        init(_ folder: String, losesLast: Bool) throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            connection = try IndexFile.writer(folder)
            try IndexFile.create(connection, StoreID())
            var sizes = RunSizes()
            (sizes.chunkBytes, sizes.merged, sizes.deleted, sizes.losesLast) = (60, 3, 2, losesLast)
            self.sizes = sizes
            writer = try EntryWriter(connection, sizes)
            table = try IndexTable(try IndexFile.reader(folder))
        }

        mutating func reopen() throws { writer = try EntryWriter(connection, sizes) }

        func entries(through end: Int64) throws -> [IndexEntry] {
            var found: [IndexEntry] = []
            try table.forEachEntry(through: end) { found.append(IndexEntry(key: $0, position: $1)) }
            return found.sorted(by: IndexEntry.isBefore)
        }

        func positions(_ key: Int64, _ direction: ReadRequest.Direction, from bound: Int64, through end: Int64) throws
            -> [Int64]
        {
            var found: [Int64] = []
            try table.read(key, from: bound, direction, through: end, limit: 5, into: &found)
            return found
        }
    }

    /// Runs a random history; returns the first thing that is wrong, or `nil`.
    private func history(_ seed: UInt64, losesLast: Bool = false) throws -> String? {
        var random = SeededNumbers(seed: seed)
        var file = try File(folder("\(seed)-\(losesLast)"), losesLast: losesLast)
        var (known, head): ([IndexEntry], Int64) = ([], 0)
        let keys = Int64.random(in: 20...2_000, using: &random)
        for step in 0..<60 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: try file.reopen()
            case 1..<5: if file.writer.runs.hasWork { try file.writer.runs.step(entries: 9) }
            default:
                let count = Int64.random(in: 1...40, using: &random)
                let part = (head + 1...head + count).map { position in
                    let key = Int64.random(in: 0..<keys, using: &random)
                    return IndexEntry(
                        key: Bool.random(using: &random) ? key : IndexKey.firstUnordered + key, position: position)
                }.sorted(by: IndexEntry.isBefore)
                var slices = Int.random(in: 0..<12, using: &random)
                let isMoved = try file.writer.move(part, by: 7) { _ in
                    slices -= 1
                    return slices != 0
                } finish: {
                }
                if isMoved { (known, head) = (known + part, head + count) }
            }
            do {
                if let wrong = try check(file, known, head, &random) { return "step \(step): \(wrong)" }
            } catch {
                return "step \(step): \(error)"
            }
        }
        while file.writer.runs.hasWork { try file.writer.runs.step(entries: 100) }
        let runs = try file.connection.number("SELECT count(*) FROM runs")
        let unused = try file.connection.number("SELECT count(*) FROM chunks WHERE run NOT IN (SELECT run FROM runs)")
        if runs > 12 || unused > 0 { return "\(runs) runs and \(unused) chunks of no run are left" }
        return try file.entries(through: head) == known.sorted(by: IndexEntry.isBefore) ? nil : "other entries"
    }

    /// Compares a file with what it must have; returns what is wrong, or `nil`.
    private func check(
        _ file: File, _ known: [IndexEntry], _ head: Int64, _ random: inout SeededNumbers
    ) throws -> String? {
        let end = Int64.random(in: 0...head, using: &random)
        let expected = known.filter { $0.position <= end }.sorted(by: IndexEntry.isBefore)
        if try file.entries(through: end) != expected { return "other entries" }
        let key = known.randomElement(using: &random)?.key ?? 7
        let (positions, bound) = (expected.filter { $0.key == key }.map(\.position), end / 2)
        let later = Array(positions.filter { $0 >= bound }.prefix(5))
        if try file.positions(key, .forward, from: bound, through: end) != later { return "forward" }
        let earlier = Array(positions.filter { $0 <= bound }.reversed().prefix(5))
        if try file.positions(key, .backward, from: bound, through: end) != earlier { return "backward" }
        let ordered = known.map(\.key).filter { IndexKey.isTimeOrdered($0) }.max() ?? -1
        return try IndexFile.highestOrdered(file.connection) == ordered ? nil : "another highest key"
    }

    @Test func `every entry is found while runs are merged and given up`() throws {
        for _ in 0..<Environment.count("SILLOK_SEQUENCES", default: 12) {
            let seed = UInt64.random(in: 0 ... .max)
            let wrong = try history(seed)
            #expect(wrong == nil, "seed \(seed)")
        }
    }

    @Test func `a merge that loses its last entry is caught`() throws {
        let found = try (0..<12).count { try history($0, losesLast: true) != nil }
        #expect(found == 12)
    }
}
