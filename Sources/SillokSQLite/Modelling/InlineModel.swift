import SillokCore
import SillokSQL

/// The read model in the store's own file, as the thread that appends writes it. Belongs to that thread.
///
/// All that it does is part of the transaction of a group of appends. Checkpoints move in memory with each append, and
/// are written once for the group, before it is committed or anybody else looks at them.
final class InlineModel {
    /// A rule, where it stands, and where the file says that it stands.
    struct Attachment {
        let rule: InlineRule
        var checkpoint: Checkpoint
        var stored: Checkpoint
    }

    private let statements: ModelStatements
    /// Steps that finding the events of a page may take: five milliseconds.
    private static let pageSteps = 20_000
    private(set) var attachments: [Attachment] = []
    /// As of the last commit; `nil` before the tables have been committed.
    private var committed: [Attachment]?

    /// Makes the tables of the format where they are missing.
    init(_ connection: Connection) throws {
        statements = ModelStatements(connection, protecting: Schema.tables)
        try statements.install()
    }

    /// Whether a transaction that has been committed made its tables.
    var isCommitted: Bool { committed != nil }

    /// Projects events that have just been recorded.
    ///
    /// - Throws: ``InlineProjectionFailed`` by the fault of a rule, else `SQLiteFailure`.
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

    /// Writes the checkpoints that have moved.
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

    /// Makes the changes of somebody else's write, if its conditions hold.
    func write(_ write: ReadModelWrite) throws {
        try statements.ask(write.conditions)
        try statements.make(write.changes)
        try refresh()
    }

    /// Projects a page of what the rule has not seen. At the head of the log it takes part from now on: `true`.
    func attach(_ rule: InlineRule, _ reader: EventReader) throws -> Bool {
        let id = rule.projection
        guard let checkpoint = try checkpoint(of: id) else {
            throw StoreError(.notFound, "the store's read model has no build \(id).")
        }
        detach(id)
        var attachment = Attachment(rule: rule, checkpoint: checkpoint, stored: checkpoint)
        // Appends wait meanwhile, so it looks less far than a reader does.
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

    /// Goes back to what it was at some time within the group.
    func rewind(to attachments: [Attachment]) { self.attachments = attachments }

    /// Says that the transaction has been committed.
    func didCommit() { committed = attachments }

    /// Goes back to the last commit, after a rollback.
    func reload() throws {
        attachments = committed ?? []
        try refresh()
    }

    /// Reads anew where the builds stand. Those that are no more take part no longer.
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
        let rows = try statements.query(ReadModelFormat.standing(of: id, 0), of: nil) { $0.values }
        return try rows.first.map { row in
            guard let checkpoint = Checkpoint(standing: row) else {
                throw StoreError(.corrupt, "the checkpoint of \(id) cannot be read.")
            }
            return checkpoint
        }
    }
}
