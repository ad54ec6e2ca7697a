import SillokCore
import SillokSQLiteConnections
import SillokStorage

/// A scan of every entry of the index in the order of keys, which computes its contents.
struct IndexScan {
    /// The contents of the index.
    struct Outcome {
        var entries: Int64 = 0
        var streams: UInt64 = 0
        var sum = EntrySum()
    }

    private let verification: Verification

    init(_ verification: Verification) { self.verification = verification }

    func run(_ names: NameKinds, total: Int64) throws -> Outcome {
        var outcome = Outcome()
        do {
            var entries = try MergedEntries(verification)
            var key: Int64?
            var isStream = false
            var rank: Int64 = 0
            while let entry = try entries.next() {
                if entry.key != key {
                    key = entry.key
                    rank = 0
                    isStream = entry.key < 0 && names.kind(-entry.key) == .stream
                    if isStream { outcome.streams += 1 }
                }
                rank += 1
                outcome.entries += 1
                outcome.sum.add(entry.key, entry.position, revision: isStream ? rank : 0)
                if isStream && rank % Schema.markInterval == 0 { try checkMark(-entry.key, rank, entry.position) }
                try verification.advance("index", outcome.entries, of: total)
            }
        } catch {
            try verification.find(error)
        }
        return outcome
    }

    private func checkMark(_ stream: Int64, _ revision: Int64, _ position: Int64) throws {
        let marked = try verification.reader.positionNotAfter(revision: revision, of: stream)
        if marked != position {
            verification.find("the index entry of revision \(revision) of its stream is wrong or missing", at: position)
        }
    }
}

/// The entries of table and tail, ordered by key and position, without table entries that the tail has too.
private struct MergedEntries {
    typealias Entry = (key: Int64, position: Int64)

    private let index: PositionIndex
    private let table: Statement
    /// The tail, last entry first.
    private var tail: [Entry]
    /// The next entry of the table.
    private var settled: Entry?

    init(_ verification: Verification) throws {
        let connection = verification.connection
        table = try connection.prepare(
            "SELECT key, position FROM \(verification.reader.format.index) ORDER BY key, position")
        index = verification.reader.index
        try index.reload()
        tail = index.tail.entries.map { ($0.key, $0.position) }.sorted(by: >)
        settled = try nextSettled()
    }

    mutating func next() throws -> Entry? {
        guard let entry = settled, tail.last.map({ entry < $0 }) ?? true else { return tail.popLast() }
        settled = try nextSettled()
        return entry
    }

    private func nextSettled() throws -> Entry? {
        while try table.step() {
            let entry = (key: table.int(0), position: table.int(1))
            if entry.position <= index.tail.start { return entry }
            var inTail: [Int64] = []
            index.tail.read(entry.key, from: entry.position, .forward, limit: 1, into: &inTail)
            if inTail != [entry.position] { return entry }
        }
        return nil
    }
}

/// An entry-by-entry search for the differences between index and events. It is slow, and only runs on a damaged store.
struct IndexComparison {
    private let verification: Verification
    private let hasEntry: Statement
    private let ids: IDKeys
    private let entries: Statement

    init(_ verification: Verification) throws {
        self.verification = verification
        let table = verification.reader.format.index
        ids = verification.reader.index.ids
        hasEntry = try verification.connection.prepare(
            "SELECT count(*) FROM \(table) WHERE key = ?1 AND position = ?2")
        entries = try verification.connection.prepare("SELECT key, position FROM \(table)")
    }

    func run(_ head: Int64, _ names: NameKinds) throws {
        do {
            var revisions: [Int64: Int64] = [:]
            let rows = try verification.connection.prepare("SELECT \(EventRow.columns) FROM events ORDER BY position")
            while try rows.step() {
                let header = try EventRow.header(rows)
                if header.stream != 0 {
                    let before = revisions.updateValue(header.revision, forKey: header.stream) ?? 0
                    if header.revision != before + 1 {
                        let message = "revision \(header.revision) follows \(before) in its stream"
                        guard verification.find(message, at: header.position) else { return }
                    }
                }
                let tags = try EventRow.tagNumbers(rows.bytes(10), header.position)
                for key in try EventRow.keys(header, tagNumbers: tags, names, ids)
                where try count(key, header.position) != 1 {
                    let message = "the index has no entry for key \(key), or more than one"
                    guard verification.find(message, at: header.position) else { return }
                }
            }
            try findForeignEntries(head, names)
        } catch {
            try verification.find(error)
        }
    }

    private func findForeignEntries(_ head: Int64, _ names: NameKinds) throws {
        let row = try verification.connection.prepare("SELECT \(EventRow.columns) FROM events WHERE position = ?1")
        while try entries.step() {
            let (key, position) = (entries.int(0), entries.int(1))
            row.bind(position, at: 1)
            var belongs = false
            if try row.step() {
                let header = try EventRow.header(row)
                let tags = try EventRow.tagNumbers(row.bytes(10), position)
                belongs = try EventRow.keys(header, tagNumbers: tags, names, ids).contains(key)
                row.reset()
            }
            if !belongs {
                guard
                    verification.find(
                        "the index has an entry for key \(key) that the event does not have", at: position)
                else { return }
            }
        }
    }

    private func count(_ key: Int64, _ position: Int64) throws -> Int64 {
        hasEntry.bind(key, at: 1)
        hasEntry.bind(position, at: 2)
        guard try hasEntry.step() else { return 0 }
        defer { hasEntry.reset() }
        return position > verification.reader.index.tail.start ? 1 : hasEntry.int(0)
    }
}
