import SillokCore
import SillokIndex
import SillokSQL
import SillokSQLiteConnections
import SillokSQLiteModels
import SillokStorage

/// The read model in the store's own file, as used by the thread that appends. Belongs to that thread.
///
/// Everything it does is part of the transaction of a group of appends. Checkpoints advance in memory with each append.
/// They are written once for the group, before the commit and before any other reader sees them.
final class InlineModel {
    /// A rule, its checkpoint in memory, and its checkpoint in the file.
    struct Attachment {
        let rule: InlineRule
        var checkpoint: Checkpoint
        var stored: Checkpoint
    }

    private let statements: ModelStatements
    /// The steps that finding the events of a page may take: five milliseconds.
    private static let pageSteps = 20_000
    private(set) var attachments: [Attachment] = []
    /// The attachments as of the last commit; `nil` before the tables have been committed.
    private var committed: [Attachment]?

    /// Creates the missing tables of the format.
    init(_ connection: Connection) throws {
        statements = ModelStatements(connection, protecting: Schema.tables)
        try statements.install()
    }

    /// Whether the tables were created in a transaction that has been committed.
    var isCommitted: Bool { committed != nil }

    /// Projects events that have just been recorded.
    ///
    /// - Throws: ``InlineProjectionFailed`` if a rule is at fault, otherwise `SQLiteFailure`.
    func take(_ events: [RecordedEvent]) throws {
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
    func flush() throws {
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
    func write(_ write: ReadModelWrite) throws {
        try statements.ask(write.conditions)
        try statements.make(write.changes)
        try refresh()
    }

    /// Projects a page of new events for the rule. At the head of the log it attaches the rule and returns `true`.
    func attach(_ rule: InlineRule, _ reader: EventReader) throws -> Bool {
        let id = rule.projection
        guard let checkpoint = try checkpoint(of: id) else {
            throw StoreError(.notFound, "the store's read model has no build \(id).")
        }
        detach(id)
        var attachment = Attachment(rule: rule, checkpoint: checkpoint, stored: checkpoint)
        // Appends wait during this, so it searches less far than a reader.
        let budget = StepBudget(steps: min(reader.limits.pageSteps, Self.pageSteps))
        let page = try reader.pageAsOfNow(
            ReadRequest(rule.source, after: .mark(checkpoint.mark), limit: reader.limits.pageEvents), budget)
        try take(page.events, &attachment)
        attachment.checkpoint.pass(page.mark)
        attachments.append(attachment)
        try flush()
        if !page.isEnd { detach(id) }
        return page.isEnd
    }

    /// Restores the attachments of an earlier moment within the group.
    func rewind(to attachments: [Attachment]) { self.attachments = attachments }

    /// Notes that the transaction has been committed.
    func didCommit() { committed = attachments }

    /// Restores the state of the last commit after a rollback.
    func reload() throws {
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
