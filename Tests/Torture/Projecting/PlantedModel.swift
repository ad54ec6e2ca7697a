import Sillok
import SillokCore
import SillokSQL

/// A read model with a bug, which the check must find.
struct PlantedModel: ReadModel {
    enum Bug: String, CaseIterable {
        /// The checkpoint is moved in a transaction of its own, after the rows.
        case checkpointApart = "checkpoint-apart"
        /// The checkpoint is moved when events were sent, before the rows.
        case checkpointAtLastSent = "checkpoint-at-last-sent"
        /// The changes of an event are left out now and then.
        case skipped
        /// The changes of an event are made twice now and then.
        case twice
        /// A rebuild writes the tables of the live build.
        case sharedTables = "shared-tables"
        /// It is not known, after a restart, which sequences have dead letters.
        case overtaken
        /// A redrive has no conditions, and another process redrives too.
        case unguardedRedrive = "unguarded-redrive"
        /// Nothing is asked before a write: neither the checkpoint nor the token of the lease.
        case unfenced
    }

    let model: any ReadModel
    let bug: Bug
    private let random = Lock(SystemRandomNumberGenerator())

    init(_ model: any ReadModel, _ bug: Bug) {
        self.model = model
        self.bug = bug
    }

    func write(_ write: ReadModelWrite) async throws {
        var write = write
        switch bug {
        case .checkpointApart, .checkpointAtLastSent:
            let moves = write.changes.filter(Self.isMove)
            write.changes.removeAll(where: Self.isMove)
            guard !moves.isEmpty else { return try await model.write(write) }
            let apart = ReadModelWrite(moves)
            if bug == .checkpointApart {
                try await model.write(write)
                try await model.write(apart)
            } else {
                try await model.write(ReadModelWrite(moves, if: write.conditions))
                try await model.write(ReadModelWrite(write.changes))
            }
        case .skipped:
            write.changes.removeAll { Self.isRow($0) && once(in: 40) }
            try await model.write(write)
        case .twice:
            write.changes = write.changes.flatMap { Self.isRow($0) && once(in: 40) ? [$0, $0] : [$0] }
            try await model.write(write)
        case .sharedTables:
            write.changes = write.changes.compactMap(shared)
            try await model.write(write)
        case .overtaken: try await model.write(write)
        case .unfenced:
            // It is slow now and then, for longer than its lease: that passes to another between what it has read and
            // what it writes, and it does not ask.
            if once(in: 4) { try await Task.sleep(for: .milliseconds(300)) }
            try await model.write(ReadModelWrite(write.changes))
        case .unguardedRedrive:
            let isRedrive = write.changes.contains { Self.text($0).hasPrefix("DELETE FROM sillok_dead_letters") }
            if isRedrive { write.conditions = [] }
            try await model.write(write)
            if isRedrive { try? await model.write(write) }
        }
    }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        if bug == .overtaken, query.text(placeholder: { _ in "?" }).contains("GROUP BY sequence") { return [] }
        return try await model.rows(query, of: projection)
    }

    private func once(in count: Int) -> Bool { random.withLock { Int.random(in: 0..<count, using: &$0) } == 0 }

    private func shared(_ change: ReadModelWrite.Change) -> ReadModelWrite.Change? {
        guard let id = change.projection, id.build > 1 else { return change }
        if Self.text(change).hasPrefix("CREATE") {
            // The tables must be there to be read; they stay empty.
            return change
        }
        return .init(change.statement, of: ProjectionID(id.name, version: id.version))
    }

    private static func isMove(_ change: ReadModelWrite.Change) -> Bool {
        text(change).hasPrefix("UPDATE sillok_checkpoints SET position")
    }

    private static func isRow(_ change: ReadModelWrite.Change) -> Bool {
        change.projection != nil && text(change).hasPrefix("UPDATE")
    }

    private static func text(_ change: ReadModelWrite.Change) -> String { change.statement.text { "?\($0)" } }
}
