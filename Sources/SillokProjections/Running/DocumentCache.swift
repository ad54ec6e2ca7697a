import SillokCore
import SillokSQL

/// The documents that a runner works on: read once, evolved in memory, written once for each batch.
///
/// Only one batch is made at a time. What it holds is as of the last batch that was made, written or not: when a write
/// fails, all of it is forgotten.
final class DocumentCache: Sendable {
    private struct Entry {
        var document: (any Sendable)?
        /// Whether the table has a row for it, as of the last batch that was made.
        var isStored: Bool
        var isChanged = false
        /// How long its text was when it was last read or written.
        var bytes = 0
    }

    private struct State {
        var entries: [StreamID: Entry] = [:]
        var changed: [StreamID] = []
        var bytes = 0
    }

    private let model: any ReadModel
    private let id: ProjectionID
    private let coding: ProjectionRule.Documents
    private let capacity: Int
    private let state = Lock(State())

    init(_ model: any ReadModel, _ id: ProjectionID, _ coding: ProjectionRule.Documents, capacity: Int) {
        self.model = model
        self.id = id
        self.coding = coding
        self.capacity = capacity
    }

    /// Whether so much is held that it should be emptied when nothing is under way.
    var isFull: Bool { state.withLock { $0.entries.count > 50_000 || $0.bytes > capacity } }

    /// Forgets everything.
    func clear() { state.withLock { $0 = State() } }

    /// Reads the documents that events will evolve. An event whose key cannot be told is left to fail in its turn.
    func load(_ events: some Sequence<RecordedEvent>, _ rule: ProjectionRule) async throws {
        var missing: Set<StreamID> = []
        for event in events {
            guard case .documents(let changes)? = try? rule.effect(event) else { continue }
            for change in changes {
                let name = StreamID(change.key)
                if state.withLock({ $0.entries[name] == nil }) { missing.insert(name) }
            }
        }
        let keys = Array(missing)
        for start in stride(from: 0, to: keys.count, by: 100) {
            try await load(keys[start..<min(start + 100, keys.count)])
        }
    }

    private func load(_ keys: ArraySlice<StreamID>) async throws {
        var wanted: SQL = ""
        for (index, key) in keys.enumerated() { wanted = index == 0 ? "\(key)" : "\(wanted), \(key)" }
        let rows = try await model.rows(
            "SELECT key, document FROM \(table: coding.table) WHERE key IN (\(wanted))", of: id)
        var found: [StreamID: (document: any Sendable, bytes: Int)] = [:]
        for row in rows {
            guard let key = row["key"].text, let text = row["document"].text else { continue }
            found[StreamID(key)] = (try coding.decode(text), text.utf8.count)
        }
        state.withLock { state in
            for key in keys {
                let (document, bytes) = (found[key]?.document, found[key]?.bytes ?? 0)
                state.entries[key] = Entry(document: document, isStored: document != nil, bytes: bytes)
                state.bytes += bytes
            }
        }
    }

    /// Evolves the documents of an event in memory; if one of them fails, all stay as they were.
    func evolve(_ changes: [ProjectionRule.DocumentChange]) throws {
        var evolved: [(name: StreamID, document: (any Sendable)?)] = []
        for change in changes {
            let name = StreamID(change.key)
            let known = evolved.last { $0.name == name }
            let document = try change.evolve(known.map(\.document) ?? state.withLock { $0.entries[name]?.document })
            evolved.append((name, document))
        }
        state.withLock { state in
            for (name, document) in evolved {
                var entry = state.entries[name] ?? Entry(document: nil, isStored: false)
                entry.document = document
                if !entry.isChanged {
                    entry.isChanged = true
                    state.changed.append(name)
                }
                state.entries[name] = entry
            }
        }
    }

    /// Adds the changed documents to a batch.
    func flush(into batch: inout Batch, _ id: ProjectionID) throws {
        let coding = coding
        let statements = try state.withLock { state throws -> [SQL] in
            defer { state.changed = [] }
            return try state.changed.compactMap { name in
                guard var entry = state.entries[name] else { return nil }
                let wasStored = entry.isStored
                entry.isChanged = false
                entry.isStored = entry.document != nil
                let text = try entry.document.map(coding.encode)
                state.bytes += (text?.utf8.count ?? 0) - entry.bytes
                entry.bytes = text?.utf8.count ?? 0
                state.entries[name] = entry
                guard let text else {
                    return wasStored ? "DELETE FROM \(table: coding.table) WHERE key = \(name)" : nil
                }
                return wasStored
                    ? "UPDATE \(table: coding.table) SET document = \(text) WHERE key = \(name)"
                    : "INSERT INTO \(table: coding.table) VALUES (\(name), \(text))"
            }
        }
        for statement in statements { batch.add(statement, of: id) }
    }
}
