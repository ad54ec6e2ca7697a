package import SillokSQLiteConnections
import SillokStorage

/// The sizes of the runs of ids.
package struct RunSizes: Sendable {
    /// The maximum size of a chunk. With a few bytes more it fits into a page of SQLite.
    package var chunkBytes = 4_000
    /// The number of runs of a level that are merged into one of the next level.
    package var merged = 8
    /// The most chunks that a step deletes.
    package var deleted = 64
    /// A planted fault, for tests: a merge loses its last entry.
    package var losesLast = false

    package init() {}
}

/// A run that is being written. Readers do not see it before its row in the table `runs` is committed.
package struct RunDraft {
    let run: Int64
    let level: Int64
    fileprivate var pending: [IndexEntry] = []
    fileprivate var keys: ClosedRange<Int64>?
    fileprivate var highestOrdered: Int64 = -1
    fileprivate var entries: Int64 = 0
}

/// The statements that write sorted runs of ids and merge them. A run never changes. A draft that is given up, and the
/// runs that a merge has replaced, are deleted in short steps.
package final class RunWriter {
    private struct Run {
        let number: Int64
        let level: Int64
    }

    /// A merge of runs into one of the next level.
    private struct Merge {
        let runs: [Int64]
        var sources: [RunCursor]
        var draft: RunDraft
    }

    private let connection: Connection
    private let sizes: RunSizes
    private let chunk, row, drop, delete, hasChunks, next: Statement
    private var runs: [Run] = []
    private var number: Int64 = 0
    /// The runs whose chunks are to be deleted.
    private var dropped: [Int64] = []
    private var merge: Merge?
    private var bytes: [UInt8] = []

    package init(_ connection: Connection, _ sizes: RunSizes) throws {
        (self.connection, self.sizes) = (connection, sizes)
        chunk = try connection.prepare("INSERT INTO chunks (run, last, entries) VALUES (?1, ?2, ?3)")
        row = try connection.prepare("INSERT INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        drop = try connection.prepare("DELETE FROM runs WHERE run = ?1")
        delete = try connection.prepare(
            "DELETE FROM chunks WHERE chunk IN (SELECT chunk FROM chunks WHERE run = ?1 LIMIT ?2)")
        hasChunks = try connection.prepare("SELECT EXISTS (SELECT * FROM chunks WHERE run = ?1)")
        next = try connection.prepare(RunCursor.statement)
        let found = try connection.prepare("SELECT run, level FROM runs ORDER BY run")
        while try found.step() { runs.append(Run(number: found.int(0), level: found.int(1))) }
        let unused = try connection.prepare("SELECT DISTINCT run FROM chunks WHERE run NOT IN (SELECT run FROM runs)")
        while try unused.step() { dropped.append(unused.int(0)) }
        number = max(runs.last?.number ?? 0, dropped.max() ?? 0)
    }

    // MARK: One run

    /// Begins a run.
    func begin(level: Int64 = 0) -> RunDraft {
        number += 1
        return RunDraft(run: number, level: level)
    }

    /// Adds entries behind those that the run has. Their keys are 0 or more.
    func add(_ entries: ArraySlice<IndexEntry>, to draft: inout RunDraft) throws {
        draft.pending += entries
        try writeChunks(of: &draft, all: false)
    }

    /// Completes a run. After the commit it must be passed to ``take(_:)``.
    func finish(_ draft: inout RunDraft) throws {
        try writeChunks(of: &draft, all: true)
        guard let keys = draft.keys else { return }
        let values = [draft.run, draft.level, keys.lowerBound, keys.upperBound, draft.highestOrdered, draft.entries]
        for (index, value) in values.enumerated() { row.bind(value, at: Int32(index + 1)) }
        try row.run()
    }

    /// Counts a run that is committed.
    func take(_ draft: RunDraft) {
        if draft.keys != nil { runs.append(Run(number: draft.run, level: draft.level)) }
    }

    /// Gives a run up that is not committed. Its chunks are deleted later.
    func abandon(_ draft: RunDraft) { dropped.append(draft.run) }

    /// Writes the chunks that are full, or all.
    private func writeChunks(of draft: inout RunDraft, all: Bool) throws {
        var rest = draft.pending[...]
        while !rest.isEmpty {
            let count = RunChunk.encode(rest, maximumBytes: sizes.chunkBytes, into: &bytes)
            if count == rest.count, !all { break }
            let written = rest.prefix(count)
            guard let first = written.first, let last = written.last else { break }
            chunk.bind(draft.run, at: 1)
            chunk.bind(last.key, at: 2)
            try bytes.withUnsafeBytes {
                chunk.bind(unowned: $0, at: 3)
                try chunk.run()
            }
            let lowest = draft.keys?.lowerBound ?? first.key
            draft.keys = lowest...max(lowest, last.key)
            draft.entries += Int64(count)
            if let ordered = written.last(where: { IndexKey.isTimeOrdered($0.key) })?.key {
                draft.highestOrdered = max(draft.highestOrdered, ordered)
            }
            rest = rest.dropFirst(count)
        }
        draft.pending = Array(rest)
    }

    // MARK: Merging

    /// Whether chunks are to be deleted or runs to be merged.
    package var hasWork: Bool { !dropped.isEmpty || merge != nil || level != nil }

    /// The lowest level that has enough runs to be merged.
    private var level: Int64? {
        var counts: [Int64: Int] = [:]
        for run in runs { counts[run.level, default: 0] += 1 }
        return counts.filter { $0.value >= sizes.merged }.keys.min()
    }

    /// Does a part of the work in one transaction: deletes some chunks, or merges up to a number of entries.
    package func step(entries limit: Int) throws {
        if let run = dropped.first {
            delete.bind(run, at: 1)
            delete.bind(Int64(sizes.deleted), at: 2)
            try connection.committing { try delete.run() }
            hasChunks.bind(run, at: 1)
            defer { hasChunks.reset() }
            if try !hasChunks.step() || hasChunks.int(0) == 0 { dropped.removeFirst() }
            return
        }
        guard var merge = try merge ?? begunMerge() else { return }
        self.merge = nil
        do {
            var isDone = false
            try connection.committing { isDone = try step(&merge, limit) }
            guard isDone else { return self.merge = merge }
            runs.removeAll { merge.runs.contains($0.number) }
            take(merge.draft)
            dropped += merge.runs
        } catch {
            abandon(merge.draft)
            throw error
        }
    }

    private func begunMerge() throws -> Merge? {
        guard let level else { return nil }
        // The oldest ones first. Twice as many, if a large merge has let them wait.
        let merged = runs.filter { $0.level == level }.prefix(2 * sizes.merged).map(\.number)
        return Merge(runs: merged, sources: merged.map { RunCursor($0) }, draft: begin(level: level + 1))
    }

    /// Merges entries; returns whether these were the last ones. Then the new run takes the place of the others.
    private func step(_ merge: inout Merge, _ limit: Int) throws -> Bool {
        var (found, heads): ([IndexEntry], [IndexEntry]) = ([], [])
        found.reserveCapacity(limit)
        for source in merge.sources.indices { heads.append(try merge.sources[source].head(next)) }
        while found.count < limit {
            var least = 0
            for index in heads.indices where IndexEntry.isBefore(heads[index], heads[least]) { least = index }
            if heads[least] == RunCursor.end { break }
            found.append(heads[least])
            merge.sources[least].advance()
            heads[least] = try merge.sources[least].head(next)
        }
        let isDone = found.count < limit
        try add(found[...], to: &merge.draft)
        guard isDone else { return false }
        if sizes.losesLast { _ = merge.draft.pending.popLast() }
        try finish(&merge.draft)
        for run in merge.runs {
            drop.bind(run, at: 1)
            try drop.run()
        }
        return true
    }
}

/// Reads the entries of a run in their order, chunk by chunk.
struct RunCursor {
    /// The next chunk of a run after a place.
    static let statement =
        "SELECT last, chunk, entries FROM chunks WHERE run = ?1 AND (last, chunk) > (?2, ?3) "
        + "ORDER BY last, chunk LIMIT 1"

    /// Behind all entries: no event has this position.
    static let end = IndexEntry(key: .max, position: .max)

    private let run: Int64
    private var place: (last: Int64, chunk: Int64) = (-1, 0)
    private var entries: [IndexEntry] = []
    private var index = 0
    private var isAtEnd = false

    init(_ run: Int64) { self.run = run }

    /// Returns the next entry, and reads the next chunk if necessary; ``end`` at the end.
    mutating func head(_ statement: Statement) throws -> IndexEntry {
        if index < entries.count { return entries[index] }
        if isAtEnd { return Self.end }
        statement.bind(run, at: 1)
        statement.bind(place.last, at: 2)
        statement.bind(place.chunk, at: 3)
        defer { statement.reset() }
        guard try statement.step() else {
            isAtEnd = true
            return Self.end
        }
        guard let chunk = RunChunk(statement.bytes(2)) else { throw IndexFile.damaged }
        place = (statement.int(0), statement.int(1))
        (entries, index) = ((0..<chunk.count).map { chunk[$0] }, 0)
        return entries[0]
    }

    /// Steps behind the entry that ``head(_:)`` has returned.
    mutating func advance() { index += 1 }
}
