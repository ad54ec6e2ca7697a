#if Postgres
import SillokCore
import SillokSQL
import SillokSystem

/// The only connection of this process that appends. Each group is one transaction in one round trip.
///
/// Belongs to the writer thread. If the connection breaks, or its server no longer accepts writes, it searches for the
/// server that does and executes the same group again. Events that were already stored are found by their ids. An
/// outcome is unknown only if this does not finish in time.
final class Writer {
    let session: Session
    let clock: WallClock
    let limits: Limits
    /// The rules that are attached to appends.
    var attachments: [InlineAttachment] = []
    /// The end of the log after the last append of this writer, if it is certain.
    var end: LogEnd?
    /// Whether no other process appended between the last two groups of this writer. This usually continues.
    private var isAlone = false
    /// Whether the role may call `append_after`, as far as is known.
    private var mayAppendReady = true

    init(_ session: Session, limits: Limits, clock: WallClock) {
        self.session = session
        self.limits = limits
        self.clock = clock
    }

    /// Executes the waiting requests. Returns a result for each, in their order.
    func carryOut(_ requests: [WriterRequest]) -> [Result<WriterAnswer, any Error>] {
        var appends: [PreparedAppend] = []
        for case .append(let prepared) in requests { appends.append(prepared) }
        var answers = append(appends).makeIterator()
        return requests.map { request in
            switch request {
            case .append:
                return (answers.next() ?? .failure(AppendAnswers.unreadable)).map { .judged($0) }
            case .attach(let attachment): return Result { .projected(isAttached: try attach(attachment)) }
            }
        }
    }

    /// Executes a group of appends.
    private func append(_ appends: [PreparedAppend]) -> [Result<Verdict, any Error>] {
        if appends.count == 1 { return appendDistinct(appends) }
        var answers: [Result<Verdict, any Error>?] = Array(repeating: nil, count: appends.count)
        // An append that has an id in common with an earlier one waits for the result of that one.
        var waiting = Array(appends.indices)
        while !waiting.isEmpty {
            var (ids, now, later): (Set<EventID>, [Int], [Int]) = ([], [], [])
            for index in waiting {
                let own = appends[index].request.entries.map(\.event.id)
                if own.contains(where: ids.contains) { later.append(index) } else { now.append(index) }
                ids.formUnion(own)
            }
            for (index, answer) in zip(now, appendDistinct(now.map { appends[$0] })) { answers[index] = answer }
            waiting = later
        }
        return answers.map { $0 ?? .failure(StoreError(.ioFailure, "the append was not executed.")) }
    }

    /// Executes appends without a common id in one transaction.
    ///
    /// An append whose data the server rejects fails alone: the group is divided in halves until it is found. While no
    /// server can be reached, each append fails when its own timeout has passed.
    private func appendDistinct(_ appends: [PreparedAppend]) -> [Result<Verdict, any Error>] {
        let watches = GroupWatches(appends)
        if watches.isTooLarge, appends.count > 1 { return appendHalves(appends) }
        var answers: [Result<Verdict, any Error>?] = Array(repeating: nil, count: appends.count)
        var pending = Array(appends.indices)
        var isInDoubt = false
        while !pending.isEmpty {
            let group = pending.map { appends[$0] }
            let known = group.count == appends.count ? watches : nil
            let result = Result { try attempt(group, known, &isInDoubt) }
            let failure: any Error
            switch result {
            case .success(let results):
                for (index, result) in zip(pending, results) { answers[index] = result }
                failure = AppendAnswers.unreadable
                pending = []
            case .failure(let error):
                if !isInDoubt, group.count > 1, (error as? PostgresFailure)?.isOfData == true {
                    for (index, result) in zip(pending, appendHalves(group)) { answers[index] = result }
                    return answers.map { $0 ?? .failure(error) }
                }
                failure = reported(error, isInDoubt)
                let isAway = (error as? PostgresFailure)?.isTransient == true
                let late = isAway ? pending.filter { session.hasTime(since: appends[$0].asked) } : []
                pending = late.count < pending.count ? late : []
            }
            let open = Set(pending)
            for index in answers.indices where answers[index] == nil && !open.contains(index) {
                answers[index] = .failure(failure)
            }
        }
        return answers.map { $0 ?? .failure(AppendAnswers.unreadable) }
    }

    private func appendHalves(_ appends: [PreparedAppend]) -> [Result<Verdict, any Error>] {
        let middle = appends.count / 2
        return appendDistinct(Array(appends[..<middle])) + appendDistinct(Array(appends[middle...]))
    }

    /// - Parameter watches: the watches of the appends, if they were computed before.
    private func attempt(
        _ appends: [PreparedAppend], _ watches: GroupWatches?, _ isInDoubt: inout Bool
    ) throws -> [Result<Verdict, any Error>] {
        let caller = Session.Caller(asked: appends.map(\.asked).min() ?? .now)
        return try session.retrying(for: caller) { connection in
            try withInline(connection) { isApart in
                if isApart { return try appendApart(appends, connection, &isInDoubt) }
                if let receipts = try appendReady(appends, connection, &isInDoubt) {
                    return receipts.map { .success(Verdict(status: .stored($0, head: $0.position), head: $0.position)) }
                }
                let group = AppendGroup(appends, watches)
                return try appendJudged(group, connection, &isInDoubt).map { .success($0) }
            }
        }
    }

    /// Returns a failure as a `StoreError`.
    private func reported(_ error: any Error, _ isInDoubt: Bool) -> any Error {
        let outcome: StoreError.Outcome = isInDoubt ? .unknown : .definite
        if isInDoubt, let failed = error as? InlineProjectionFailed {
            return StoreError(
                .unavailable, "the append was interrupted, and \(failed.projection) then stopped: \(failed.cause).",
                outcome: .unknown, cause: failed)
        }
        if isInDoubt, let failed = error as? StoreError {
            // An attempt before this one may have committed.
            return StoreError(
                failed.code, failed.message, outcome: .unknown, cause: failed.cause, retryAfter: failed.retryAfter)
        }
        return (error as? PostgresFailure)?.storeError("the append failed", outcome: outcome) ?? error
    }

    /// Lets the server store prepared appends. Returns `nil` if that was not possible, or if the log ends otherwise
    /// than expected: then nothing is stored.
    private func appendReady(
        _ appends: [PreparedAppend], _ connection: Connection, _ isInDoubt: inout Bool
    ) throws -> [Receipt]? {
        guard isAlone, mayAppendReady, !isInDoubt, var next = end else { return nil }
        let head = Position(UInt64(clamping: next.head))
        guard let ready = next.ready(appends, schema: session.address.quotedSchema, now: clock.now()) else {
            return nil
        }
        end = nil
        do {
            let rows = try transact([ready.query], connection, &isInDoubt) { rows, reader in
                guard Self.isStored(rows[0]) else { return nil }
                return (head, try Self.events(appends.map(\.request), ready.receipts, reader))
            }
            guard Self.isStored(rows[0]) else {
                isInDoubt = false
                return nil
            }
        } catch let error as PostgresFailure where error.state == "23505" {
            // An id is already stored, or a stream that was expected to be new exists.
            return nil
        } catch let error as PostgresFailure where error.state == "42501" {
            mayAppendReady = false
            return nil
        }
        next.settle()
        end = next
        return ready.receipts
    }

    private static func isStored(_ rows: Rows) -> Bool { rows.count == 1 && rows.bytes(0, 0).first == 1 }

    /// Lets the server judge appends one by one, and stores the new end of the log.
    private func appendJudged(
        _ group: AppendGroup, _ connection: Connection, _ isInDoubt: inout Bool
    ) throws -> [Verdict] {
        let schema = session.address.quotedSchema
        let before = end
        end = nil
        var queries = [group.query(schema, now: clock.now()), LogEnd.query(schema)]
        if let tracked = group.trackedEvents(schema) { queries.append(tracked) }
        let rows = try transact(queries, connection, &isInDoubt) { rows, reader in
            let answers = try AppendAnswers(rows[0], group)
            return (answers.heads.first ?? .start, try Self.events(group.requests, answers.receipts, reader))
        }
        let answers = try AppendAnswers(rows[0], group)
        isAlone = before.map { Position(UInt64(clamping: $0.head)) } == answers.heads.first
        end = LogEnd(rows[1], after: isAlone ? before : nil, answers.receipts.compactMap { $0 })
        return answers.verdicts
    }

    /// Executes queries in their own transaction and in one round trip, or in more if rules are attached.
    ///
    /// - Parameters:
    ///   - isInDoubt: whether something that was sent may be stored; it stays set after a success.
    ///   - stored: returns the previous head and the stored events for projections; `nil`: nothing to commit.
    private func transact(
        _ queries: [Query], _ connection: Connection, _ isInDoubt: inout Bool,
        stored: ([Rows], EventReader) throws -> (before: Position, events: [RecordedEvent])?
    ) throws -> [Rows] {
        if !attachments.isEmpty { return try transactInline(queries, connection, &isInDoubt, stored: stored) }
        // BEGIN and COMMIT took a seventh of the time of the server for a single event.
        if queries.count == 1, connection.beginsAlone {
            return try commit(queries, connection, &isInDoubt, isAlone: true)
        }
        return try commit([.begin] + queries, connection, &isInDoubt).dropFirst().map { $0 }
    }

    /// Executes queries, of which the last ones commit.
    ///
    /// - Parameter isAlone: whether it is one query without BEGIN: the server commits it before the round trip ends.
    func commit(
        _ queries: [Query], _ connection: Connection, _ isInDoubt: inout Bool, isAlone: Bool = false
    ) throws(PostgresFailure) -> [Rows] {
        let wasInDoubt = isInDoubt
        isInDoubt = true
        let rows: [Rows]
        let warnings = connection.warningCount
        do throws(PostgresFailure) {
            rows = try connection.run(isAlone ? queries : queries + [.commit])
        } catch {
            // A query that the server itself rejected is rolled back.
            if !error.isConnectionLost && !error.state.isEmpty { isInDoubt = wasInDoubt }
            throw error
        }
        guard isAlone || rows.last?.tag == "COMMIT" else {
            isInDoubt = wasInDoubt
            throw PostgresFailure(message: "the transaction was rolled back")
        }
        // The server warns when it stops waiting for its standby: the commit may be missing on the standby.
        guard connection.warningCount == warnings else {
            throw PostgresFailure(message: "the server did not wait for its standby", isConnectionLost: true)
        }
        return isAlone ? rows : rows.dropLast()
    }
}

extension AppendAnswers {
    /// The receipts of the requests that were stored.
    var receipts: [Receipt?] { statuses.map { if case .stored(let receipt, _) = $0 { receipt } else { nil } } }

    static let unreadable = StoreError(.ioFailure, "the answer of the append function cannot be read.")
}
#endif
