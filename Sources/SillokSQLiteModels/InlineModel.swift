package import SillokCore
import SillokSQL
package import SillokSQLiteConnections

/// The read model of a store, as used by the thread that appends. Belongs to that thread.
///
/// Everything it does is part of a transaction that the store begins and commits, usually one for a group of appends.
/// Checkpoints advance in memory with each append. They are written once for the group, before the commit and before
/// any other reader sees them.
package final class InlineModel {
    /// Returns a page of the events of a query that the log has after a mark.
    package typealias PageAfter = (EventQuery, EventMark) throws -> EventBatch

    /// A rule, its checkpoint in memory, and its checkpoint in the file.
    private struct Attachment {
        let rule: InlineRule
        var checkpoint: Checkpoint
        var stored: Checkpoint
    }

    let statements: ModelStatements
    /// A savepoint, with which one request of a group can be rolled back alone.
    private let part: Part
    private var attachments: [Attachment] = []
    /// The attachments as of the last commit; `nil` before the tables have been committed.
    private var committed: [Attachment]?

    /// Creates the missing tables of the format.
    ///
    /// - Parameter protected: tables that no statement may change: those of the log.
    package init(_ connection: Connection, protecting protected: Set<String> = []) throws {
        statements = ModelStatements(connection, protecting: protected)
        part = try Part(connection)
        try statements.install()
    }

    /// Whether the tables were created in a transaction that has been committed.
    package var isCommitted: Bool { committed != nil }

    /// Whether any rule is attached.
    package var hasRules: Bool { !attachments.isEmpty }

    /// The position that the committed rows of every attached rule contain; `nil` if no rule is attached.
    package var committedPosition: Position? { committed?.map(\.checkpoint.position).min() }

    /// Runs `body`. If it throws, rolls back its changes and calls `undone`.
    ///
    /// A failure of SQLite that is not the statement's own concerns the whole transaction and is thrown unchanged.
    package func undoable<Result>(_ body: () throws -> Result, undone: () throws -> Void = {}) throws -> Result {
        let attachments = attachments
        return try part.run(body) {
            self.attachments = attachments
            try undone()
        }
    }

    /// Executes a request. If it fails on its own, nothing was written.
    ///
    /// - Parameter page: returns a page of the log for a rule that is attached.
    /// - Returns: whether the request is done. Otherwise the log has more pages for the rule.
    package func execute(_ request: ModelRequest, page: PageAfter) throws -> Bool {
        try flush()
        return try undoable {
            switch request {
            case .install: return true
            case .change(let write):
                try self.write(write)
                return true
            case .attach(let rule): return try attach(rule, page)
            }
        }
    }

    /// Projects events of an append.
    ///
    /// - Throws: `InlineProjectionFailed` if a rule is at fault, otherwise `SQLiteFailure`.
    package func take(_ events: [RecordedEvent]) throws {
        guard let last = events.last else { return }
        for index in attachments.indices {
            try take(events, &attachments[index])
            attachments[index].checkpoint.pass(EventMark(last))
        }
    }

    private func take(_ events: [RecordedEvent], _ attachment: inout Attachment) throws {
        let rule = attachment.rule
        for event in events where rule.source.matches(event) {
            do {
                for statement in try rule.changes(event) { try statements.run(statement, of: rule.projection) }
            } catch let failure as SQLiteFailure {
                guard failure.isOfStatement else { throw failure }
                let cause = ChangeFailed(index: 0, reason: failure.message)
                throw InlineProjectionFailed(projection: "\(rule.projection)", event: event, cause: cause)
            } catch {
                throw InlineProjectionFailed(projection: "\(rule.projection)", event: event, cause: error)
            }
            attachment.checkpoint.take(event)
        }
    }

    /// Writes the checkpoints that have advanced.
    package func flush() throws {
        for index in attachments.indices {
            let attachment = attachments[index]
            guard attachment.checkpoint != attachment.stored else { continue }
            let id = attachment.rule.projection
            let mark = ReadModelFormat.mark(id, 0, at: attachment.checkpoint, after: attachment.stored)
            if let mark { try statements.run(mark, of: nil) }
            try statements.run(ReadModelFormat.move(id, 0, to: attachment.checkpoint), of: nil)
            attachments[index].stored = attachment.checkpoint
        }
    }

    /// Applies a write of another caller, if its conditions hold.
    private func write(_ write: ReadModelWrite) throws {
        try statements.ask(write.conditions)
        try statements.make(write.changes)
        try refresh()
    }

    /// Projects a page of new events for the rule. At the head of the log it attaches the rule and returns `true`.
    private func attach(_ rule: InlineRule, _ pageAfter: PageAfter) throws -> Bool {
        let id = rule.projection
        guard let checkpoint = try checkpoint(of: id) else {
            throw StoreError(.notFound, "the store's read model has no build \(id).")
        }
        detach(id)
        var attachment = Attachment(rule: rule, checkpoint: checkpoint, stored: checkpoint)
        let page = try pageAfter(rule.source, checkpoint.mark)
        try take(page.events, &attachment)
        attachment.checkpoint.pass(page.mark)
        attachments.append(attachment)
        try flush()
        if !page.isEnd { detach(id) }
        return page.isEnd
    }

    /// Projects the events of the log that the rows of attached rules do not contain.
    package func catchUp(page pageAfter: PageAfter) throws {
        for index in attachments.indices {
            var isEnd = false
            while !isEnd {
                let page = try pageAfter(attachments[index].rule.source, attachments[index].checkpoint.mark)
                try take(page.events, &attachments[index])
                attachments[index].checkpoint.pass(page.mark)
                isEnd = page.isEnd
            }
        }
        try flush()
    }

    /// Notes that the transaction has been committed.
    package func didCommit() { committed = attachments }

    /// Restores the state of the last commit after a rollback.
    package func reload() throws {
        attachments = committed ?? []
        try refresh()
    }

    /// Reloads the checkpoints of all builds. Builds that were dropped are detached.
    private func refresh() throws {
        for attachment in attachments {
            let id = attachment.rule.projection
            guard let checkpoint = try checkpoint(of: id) else {
                detach(id)
                continue
            }
            for index in attachments.indices where attachments[index].rule.projection == id {
                attachments[index].checkpoint = checkpoint
                attachments[index].stored = checkpoint
            }
        }
    }

    private func detach(_ id: ProjectionID) { attachments.removeAll { $0.rule.projection == id } }

    private func checkpoint(of id: ProjectionID) throws -> Checkpoint? {
        let rows = try statements.values(ReadModelFormat.standing(of: id, 0), of: nil)
        return try rows.first.map { row in
            guard let checkpoint = Checkpoint(standing: row) else {
                throw StoreError(.corrupt, "the checkpoint of \(id) cannot be read.")
            }
            return checkpoint
        }
    }
}
