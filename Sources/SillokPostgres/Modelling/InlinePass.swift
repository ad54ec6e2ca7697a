#if Postgres
import SillokCore
import SillokSQL

/// A rule that is attached to appends, and the form of its statements for the schema of its rows.
struct InlineAttachment: Sendable {
    let rule: InlineRule
    let statements: ModelStatement

    init(_ rule: InlineRule, _ address: ServerAddress) {
        self.rule = rule
        statements = ModelStatement(schema: address)
    }

    /// Returns whether it is the same build in the same schema.
    func isSame(as other: InlineAttachment) -> Bool {
        rule.projection == other.rule.projection && statements.schema.schema == other.statements.schema.schema
    }

    /// The statement that sets the search path to Sillok's own tables.
    fileprivate var path: Query { Query("SET LOCAL search_path = \(statements.schema.quotedSchema)") }
}

/// The inline projections in one transaction that has the turn to append: their checkpoints and their changes.
///
/// Other processes append too and move the same checkpoints. So each transaction reads the checkpoints under the lock
/// of the store and then the turn of the read model. A rule that is behind first handles the missed events.
struct InlinePass {
    /// A statement of a rule, with the event that it projects.
    struct Change {
        let query: Query
        let projection: ProjectionID
        let event: RecordedEvent
    }

    /// A checkpoint is too far behind the log to catch up in one transaction.
    struct FarBehind: Error {}

    private struct Standing {
        let attachment: InlineAttachment
        let stored: Checkpoint
        var checkpoint: Checkpoint
    }

    private var standings: [Standing] = []
    /// The builds that no longer exist.
    private(set) var missing: [InlineAttachment] = []
    /// More pages than other processes append between two turns of this one, so that catching up ends.
    private static let pages = 16
    /// The tables of a projection are written with their schema, and nothing else can be found.
    private static let emptyPath = Query("SET LOCAL search_path = pg_catalog, pg_temp")

    /// Returns the queries that take the turns of the read models, always in the same order, and read the checkpoints.
    static func questions(_ attachments: [InlineAttachment]) throws(PostgresFailure) -> [Query] {
        var questions = Set(attachments.map(\.statements.schema.quotedSchema)).sorted().map {
            Query("SELECT FROM \($0).sillok_turn FOR UPDATE")
        }
        for attachment in attachments {
            let standing = ReadModelFormat.standing(of: attachment.rule.projection, 0)
            questions += [attachment.path, try attachment.statements.query(standing, of: nil)]
        }
        return questions
    }

    /// - Parameter answers: the results of the questions, or of more queries that end with the questions.
    init(_ attachments: [InlineAttachment], answers: [Rows]) throws(StoreError) {
        let own = answers.suffix(2 * attachments.count)
        for (index, attachment) in attachments.enumerated() {
            let id = attachment.rule.projection
            guard let row = own[own.startIndex + 2 * index + 1].values.first else {
                missing.append(attachment)
                continue
            }
            guard let checkpoint = Checkpoint(standing: row) else {
                throw StoreError(.corrupt, "the checkpoint of \(id) cannot be read.")
            }
            standings.append(Standing(attachment: attachment, stored: checkpoint, checkpoint: checkpoint))
        }
    }

    /// Projects the events between the checkpoints and a head.
    ///
    /// - Returns: whether all of them were projected; one transaction has a limit.
    /// - Throws: `InlineProjectionFailed` at an event that cannot be projected.
    mutating func catchUp(through head: Position, _ connection: Connection, _ reader: EventReader, limit: Int) throws
        -> Bool
    {
        var pages = 0
        for index in standings.indices {
            guard standings[index].checkpoint.position <= head else {
                throw StoreError.logEnds(at: head, before: standings[index].checkpoint.mark)
            }
            while standings[index].checkpoint.position < head {
                if pages == Self.pages { return false }
                pages += 1
                let page = try reader.page(
                    ReadRequest(
                        standings[index].attachment.rule.source,
                        after: .mark(standings[index].checkpoint.mark), before: .position(head.next),
                        limit: limit))
                let changes = try Self.changes(page.events, &standings[index])
                standings[index].checkpoint.pass(page.mark)
                try Self.run(changes, connection)
            }
        }
        return true
    }

    /// Returns the changes of the rules for events that have just been recorded, and advances their checkpoints.
    ///
    /// - Throws: `InlineProjectionFailed` if a rule is at fault.
    mutating func changes(_ events: [RecordedEvent]) throws -> [Change] {
        guard let last = events.last else { return [] }
        var changes: [Change] = []
        for index in standings.indices {
            changes += try Self.changes(events, &standings[index])
            standings[index].checkpoint.pass(EventMark(last))
        }
        return changes
    }

    private static func changes(_ events: [RecordedEvent], _ standing: inout Standing) throws -> [Change] {
        let (rule, statements) = (standing.attachment.rule, standing.attachment.statements)
        var changes: [Change] = []
        for event in events where rule.source.matches(event) {
            do {
                for statement in try rule.changes(event) {
                    try ModelStatement.check(statement)
                    let query = try statements.query(statement, of: rule.projection)
                    changes.append(Change(query: query, projection: rule.projection, event: event))
                }
            } catch {
                let reason = (error as? PostgresFailure)?.message
                throw InlineProjectionFailed(
                    projection: "\(rule.projection)", event: event,
                    cause: reason.map { ChangeFailed(index: 0, reason: $0) } ?? error)
            }
            standing.checkpoint.take(event)
        }
        return changes
    }

    /// Returns the statements of changes.
    static func queries(_ changes: [Change]) -> [Query] {
        changes.isEmpty ? [] : [emptyPath] + changes.map(\.query)
    }

    /// Makes changes in an open transaction.
    ///
    /// - Parameter undo: the statement to execute if one fails.
    /// - Throws: `InlineProjectionFailed` if the database rejects one.
    static func run(_ changes: [Change], _ connection: Connection, undo: Query = .rollback) throws {
        do throws(PostgresFailure) {
            if !changes.isEmpty { _ = try connection.run(queries(changes), undo: undo) }
        } catch {
            guard error.isOfStatement, !error.isOfPreparedStatement, (1...changes.count).contains(error.completed)
            else {
                throw error
            }
            let change = changes[error.completed - 1]
            throw InlineProjectionFailed(
                projection: "\(change.projection)", event: change.event,
                cause: ChangeFailed(index: 0, reason: error.message))
        }
    }

    /// Returns the statements that write the changed checkpoints.
    func checkpoints() throws(PostgresFailure) -> [Query] {
        var queries: [Query] = []
        for standing in standings where standing.checkpoint != standing.stored {
            let (id, statements) = (standing.attachment.rule.projection, standing.attachment.statements)
            queries.append(standing.attachment.path)
            if let mark = ReadModelFormat.mark(id, 0, at: standing.checkpoint, after: standing.stored) {
                queries.append(try statements.query(mark, of: nil))
            }
            queries.append(try statements.query(ReadModelFormat.move(id, 0, to: standing.checkpoint), of: nil))
        }
        return queries
    }
}
#endif
