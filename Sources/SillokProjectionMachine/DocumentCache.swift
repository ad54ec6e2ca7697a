package import SillokCore
import SillokSQL

/// The documents that a partition works on. Each is read once, changed in memory, and written once per batch.
///
/// The cache has the documents as of the last batch that was made, written or not. A failed write clears it.
package struct DocumentCache: Sendable {
    /// A document as it was read; `nil` if there is none with that key.
    package struct Row: Sendable {
        let key: StreamID
        let text: String?

        package init(key: StreamID, text: String?) {
            self.key = key
            self.text = text
        }
    }

    private struct Entry {
        var document: (any Sendable)?
        /// Whether the table has a row for the document, as of the last batch that was made.
        var isStored: Bool
        var isChanged = false
        /// The length of the document's text when it was last read or written.
        var bytes = 0
    }

    private let coding: ProjectionRule.Documents
    private let capacity: Int
    private var entries: [StreamID: Entry] = [:]
    private var changed: [StreamID] = []
    private var bytes = 0

    /// - Parameter capacity: the number of bytes of text above which the cache should be cleared.
    package init(_ coding: ProjectionRule.Documents, capacity: Int) {
        self.coding = coding
        self.capacity = capacity
    }

    /// Whether the cache should be cleared at the next opportunity.
    var isFull: Bool { entries.count > 50_000 || bytes > capacity }

    /// Removes all documents.
    mutating func clear() { self = DocumentCache(coding, capacity: capacity) }

    /// Returns the keys of the events' documents that are not in the cache.
    func missing(_ events: some Sequence<RecordedEvent>, _ rule: ProjectionRule) -> [StreamID] {
        var missing: Set<StreamID> = []
        for event in events {
            for key in rule.documentKeys(of: event) where entries[key] == nil { missing.insert(key) }
        }
        return missing.sorted()
    }

    /// Adds documents that were read.
    mutating func insert(_ rows: [Row]) throws {
        for row in rows {
            let document = try row.text.map(coding.decode)
            let length = row.text?.utf8.count ?? 0
            entries[row.key] = Entry(document: document, isStored: document != nil, bytes: length)
            bytes += length
        }
    }

    /// Changes the documents of an event. If one change fails, none is applied.
    mutating func evolve(_ changes: [ProjectionRule.DocumentChange]) throws {
        var evolved: [(key: StreamID, document: (any Sendable)?)] = []
        for change in changes {
            let key = StreamID(change.key)
            let known = evolved.last { $0.key == key }
            evolved.append((key, try change.evolve(known.map(\.document) ?? entries[key]?.document)))
        }
        for (key, document) in evolved {
            var entry = entries[key] ?? Entry(document: nil, isStored: false)
            entry.document = document
            if !entry.isChanged {
                entry.isChanged = true
                changed.append(key)
            }
            entries[key] = entry
        }
    }

    /// Adds the changed documents to a batch.
    mutating func flush(into batch: inout Batch, _ id: ProjectionID) throws(DocumentFailed) {
        defer { changed = [] }
        for key in changed {
            guard var entry = entries[key] else { continue }
            let wasStored = entry.isStored
            let text: String?
            do {
                let encoded = try entry.document.map(coding.encode)
                text = encoded?.text
                // Later events evolve the document that a reader of the table has, in this process as after a restart.
                if let encoded, !encoded.isKept { entry.document = try coding.decode(encoded.text) }
            } catch {
                throw DocumentFailed(key: key, reason: "\(error)")
            }
            entry.isChanged = false
            entry.isStored = text != nil
            bytes += (text?.utf8.count ?? 0) - entry.bytes
            entry.bytes = text?.utf8.count ?? 0
            entries[key] = entry
            if let statement = statement(key, text, wasStored) {
                batch.add(statement, of: id, from: .document(key))
            }
        }
    }

    private func statement(_ key: StreamID, _ text: String?, _ wasStored: Bool) -> SQL? {
        switch (text, wasStored) {
        case (let text?, true): "UPDATE \(table: coding.table) SET document = \(text) WHERE key = \(key)"
        case (let text?, false): "INSERT INTO \(table: coding.table) VALUES (\(key), \(text))"
        case (nil, true): "DELETE FROM \(table: coding.table) WHERE key = \(key)"
        case (nil, false): nil
        }
    }
}
