#if Postgres
import SillokCore
import SillokSQL

/// Appends with inline rules in the same transaction.
///
/// A group is appended, and then all of its stored events are projected, with the commit in the same round trip. If a
/// rule fails, the group is rolled back and executed again, still in one transaction. The appends then run one after
/// the other, each with a savepoint, so that only the append at fault is rejected.
extension Writer {
    /// A rule failed for an event of a group that was executed together.
    private struct Refused: Error {}

    private static let savepoint = Query("SAVEPOINT part")
    private static let release = Query("RELEASE SAVEPOINT part")
    private static let undo = Query("ROLLBACK TO SAVEPOINT part")

    /// Runs `body`, which appends. Runs it again with separate appends if a rule fails, and again after rules that were
    /// far behind the log have caught up.
    func withInline<Result>(_ connection: Connection, _ body: (_ isApart: Bool) throws -> Result) throws -> Result {
        var isApart = false
        while true {
            do {
                return try body(isApart)
            } catch is Refused {
                isApart = true
            } catch is InlinePass.FarBehind {
                while try !catchUp(attachments, connection) {}
            }
        }
    }

    /// Appends and projects the stored events.
    func transactInline(
        _ queries: [Query], _ connection: Connection, _ isInDoubt: inout Bool,
        stored: ([Rows], EventReader) throws -> (before: Position, events: [RecordedEvent])?
    ) throws -> [Rows] {
        let rows = try connection.run([.begin] + queries + InlinePass.questions(attachments))
        let answers = Array(rows[1...queries.count])
        return try rollingBack(connection) {
            let reader = reader(connection)
            guard let (before, events) = try stored(answers, reader) else {
                _ = try connection.run(.rollback)
                return answers
            }
            var pass = try pass(answers: rows, through: before, connection, reader)
            let changes: [InlinePass.Change]
            do {
                changes = try pass.changes(events)
            } catch is InlineProjectionFailed {
                throw Refused()
            }
            do {
                _ = try commit(InlinePass.queries(changes) + pass.checkpoints(), connection, &isInDoubt)
            } catch let error as PostgresFailure where error.isOfStatement && !error.isOfPreparedStatement {
                throw Refused()
            }
            return answers
        }
    }

    /// Executes appends one after the other in one transaction, so that a failing rule only rejects its append.
    func appendApart(
        _ appends: [PreparedAppend], _ connection: Connection, _ isInDoubt: inout Bool
    ) throws -> [Result<Verdict, any Error>] {
        end = nil
        let rows = try connection.run(opening(attachments))
        return try rollingBack(connection) {
            let head = Position(UInt64(clamping: try rows[2].int(0, 0)))
            var pass = try pass(answers: rows, through: head, connection, reader(connection))
            var outcomes: [Result<(AppendGroup, AppendAnswers), any Error>] = []
            for append in appends { outcomes.append(try self.append(append, &pass, connection)) }
            let last = try commit(
                pass.checkpoints() + [LogEnd.query(session.address.quotedSchema)], connection, &isInDoubt)
            let results = outcomes.map { outcome in
                outcome.flatMap { _, answers -> Result<Verdict, any Error> in
                    answers.verdicts.first.map { .success($0) } ?? .failure(AppendAnswers.unreadable)
                }
            }
            let receipts = outcomes.flatMap { (try? $0.get())?.1.receipts ?? [] }
            end = last.last.flatMap { LogEnd($0, after: nil, receipts.compactMap { $0 }) }
            return results
        }
    }

    /// Executes one append with a savepoint.
    ///
    /// - Returns: the answer of the server, or the error of a rule; then the append was rolled back.
    private func append(
        _ append: PreparedAppend, _ pass: inout InlinePass, _ connection: Connection
    ) throws -> Result<(AppendGroup, AppendAnswers), any Error> {
        let group = AppendGroup([append])
        let before = pass
        var queries = [Self.savepoint, group.query(session.address.quotedSchema, now: clock.now())]
        if let tracked = group.trackedEvents(session.address.quotedSchema) { queries.append(tracked) }
        let rows = try connection.run(queries)
        let answers = try AppendAnswers(rows[1], group)
        do {
            let changes = try pass.changes(Self.events(group.requests, answers.receipts, reader(connection)))
            try InlinePass.run(changes, connection, undo: Self.undo)
            _ = try connection.run(Self.release)
            return .success((group, answers))
        } catch let refusal as InlineProjectionFailed {
            pass = before
            _ = try connection.run([Self.undo, Self.release])
            return .failure(refusal)
        }
    }

    /// Projects a part of the log for a rule. At the head of the log it attaches the rule and returns `true`.
    func attach(_ attachment: InlineAttachment) throws -> Bool {
        let id = attachment.rule.projection
        attachments.removeAll { $0.isSame(as: attachment) }
        do {
            let isAtHead = try session.retrying { try catchUp([attachment], $0, isAttaching: true) }
            if isAtHead { attachments.append(attachment) }
            return isAtHead
        } catch let failure as PostgresFailure {
            throw failure.storeError("\(id) could not be attached")
        }
    }

    /// Projects the events that are new to rules, in a separate transaction; returns `false` if there are more.
    private func catchUp(
        _ attachments: [InlineAttachment], _ connection: Connection, isAttaching: Bool = false
    ) throws -> Bool {
        let rows = try connection.run(opening(attachments))
        return try rollingBack(connection) {
            var pass = try InlinePass(attachments, answers: rows)
            if isAttaching, let missing = pass.missing.first {
                throw StoreError(.notFound, "the read model has no build \(missing.rule.projection).")
            }
            let head = Position(UInt64(clamping: try rows[2].int(0, 0)))
            let isAtHead = try pass.catchUp(through: head, connection, reader(connection), limit: limits.pageEvents)
            // If the answer of a commit is lost, the retry finds the checkpoints where they are.
            var isInDoubt = false
            _ = try commit(pass.checkpoints(), connection, &isInDoubt)
            return isAtHead
        }
    }

    /// Returns the rules after they have handled all events up to a head. Rules whose build was dropped are detached.
    private func pass(
        answers: [Rows], through head: Position, _ connection: Connection, _ reader: EventReader
    ) throws -> InlinePass {
        var pass = try InlinePass(attachments, answers: answers)
        attachments.removeAll { attachment in pass.missing.contains { $0.isSame(as: attachment) } }
        guard try pass.catchUp(through: head, connection, reader, limit: limits.pageEvents) else {
            throw InlinePass.FarBehind()
        }
        return pass
    }

    /// Returns the queries that open a transaction with the turn to append. Every role that may append may call the
    /// function, here without events.
    private func opening(_ attachments: [InlineAttachment]) throws -> [Query] {
        let schema = session.address.quotedSchema
        return [
            .begin, AppendGroup([]).query(schema, now: clock.now()),
            Query("SELECT coalesce(max(e.position), 0) FROM \(schema).events e"),
        ] + (try InlinePass.questions(attachments))
    }

    /// Rolls back the open transaction if `body` fails.
    private func rollingBack<Result>(_ connection: Connection, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            if connection.isInTransaction { _ = try? connection.run(.rollback) }
            throw error
        }
    }

    /// Returns a reader for use while the lock is held: its pages are shorter than usual.
    private func reader(_ connection: Connection) -> EventReader {
        var limits = limits
        limits.pageSteps = min(limits.pageSteps, 20_000)
        return EventReader(connection, session.address, limits: limits, isInTransaction: true)
    }

    /// Returns the recorded form of the events of the requests that were stored.
    static func events(
        _ requests: [AppendRequest], _ receipts: [Receipt?], _ reader: EventReader
    ) throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        for (request, receipt) in zip(requests, receipts) {
            guard let receipt else { continue }
            if request.entries.contains(where: { $0.recordedAt != nil }) {
                // Each event has its own time.
                events += try reader.events(request.entries.map(\.event.id)).compactMap { $0 }
            } else {
                let time = receipt.recordedAt.microsecondsSince1970
                events += request.recorded(receipt, times: request.entries.map { _ in time })
            }
        }
        return events
    }
}
#endif
