#if Postgres
import SillokCore
import SillokSQL

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The one connection of this process that appends: each group is one transaction in one round trip.
///
/// Belongs to the writer thread. When the connection breaks, or its server takes no writes any more, it looks for the
/// server that does and carries out the same group again: what was stored already is found by its ids. Only when that
/// does not come to an end in time is an outcome unknown.
final class Writer {
    typealias Answer = (receipt: Receipt, head: Position)

    let session: Session
    let clock: WallClock
    let limits: Limits
    /// The rules that take part in appends.
    var attachments: [InlineAttachment] = []
    /// The end of the log after what this writer did last, unless that is not certain.
    var end: LogEnd?
    /// Whether nobody else appended between the last two groups of this writer: then that goes on, as a rule.
    private var isAlone = false

    init(_ session: Session, limits: Limits, clock: WallClock) {
        self.session = session
        self.limits = limits
        self.clock = clock
    }

    /// Carries out what waits: what came of each, in their order.
    func carryOut(_ requests: [WriterRequest]) -> [Result<WriterAnswer, any Error>] {
        var appends: [PreparedAppend] = []
        for case .append(let prepared) in requests { appends.append(prepared) }
        var answers = append(appends).makeIterator()
        return requests.map { request in
            switch request {
            case .append:
                return (answers.next() ?? .failure(AppendAnswers.unreadable)).map {
                    .appended($0.receipt, head: $0.head)
                }
            case .attach(let attachment): return Result { .projected(isAttached: try attach(attachment)) }
            }
        }
    }

    /// Carries out a group of appends.
    private func append(_ appends: [PreparedAppend]) -> [Result<Answer, any Error>] {
        var answers: [Result<Answer, any Error>?] = Array(repeating: nil, count: appends.count)
        // An append whose ids are also in one before it waits for what becomes of that one.
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
        return answers.map { $0 ?? .failure(StoreError(.ioFailure, "the append was not carried out.")) }
    }

    private func appendDistinct(_ appends: [PreparedAppend]) -> [Result<Answer, any Error>] {
        var isInDoubt = false
        do {
            return try session.retrying { connection in
                try withInline(connection) { isApart in
                    if isApart { return try appendApart(appends, connection, &isInDoubt) }
                    if let receipts = try appendReady(appends, connection, &isInDoubt) {
                        return receipts.map { .success(($0, $0.position)) }
                    }
                    return try appendJudged(appends, connection, &isInDoubt)
                }
            }
        } catch {
            let outcome: StoreError.Outcome = isInDoubt ? .unknown : .definite
            var reported = (error as? PostgresFailure)?.storeError("the append failed", outcome: outcome) ?? error
            if isInDoubt, let failed = error as? InlineProjectionFailed {
                reported = StoreError(
                    .unavailable, "the append was broken off, and \(failed.projection) then stopped: \(failed.cause).",
                    outcome: .unknown, cause: failed)
            }
            return appends.map { _ in .failure(reported) }
        }
    }

    /// Has the server write down what was made ready here; `nil` if that could not be, or the log ends otherwise than
    /// thought: then nothing is stored.
    private func appendReady(
        _ appends: [PreparedAppend], _ connection: Connection, _ isInDoubt: inout Bool
    ) throws -> [Receipt]? {
        guard isAlone, !isInDoubt, let before = end else { return nil }
        var next = before
        guard let ready = next.ready(appends, schema: session.address.quotedSchema, now: clock.now()) else {
            return nil
        }
        end = nil
        do {
            let head = Position(UInt64(clamping: before.head))
            let rows = try transact([ready.query], connection, &isInDoubt) { rows, reader in
                guard Self.isStored(rows[0]) else { return nil }
                return (head, try Self.events(appends.map(\.request), ready.receipts, reader))
            }
            guard Self.isStored(rows[0]) else {
                isInDoubt = false
                return nil
            }
        } catch let error as PostgresFailure where error.state == "23505" {
            // An id is known, or a stream that was thought to be new.
            return nil
        }
        end = next
        return ready.receipts
    }

    private static func isStored(_ rows: Rows) -> Bool { rows.count == 1 && rows.bytes(0, 0).first == 1 }

    /// Has the server judge appends one by one, and learns how the log ends then.
    private func appendJudged(
        _ appends: [PreparedAppend], _ connection: Connection, _ isInDoubt: inout Bool
    ) throws -> [Result<Answer, any Error>] {
        let group = AppendGroup(appends)
        let schema = session.address.quotedSchema
        let (before, wasInDoubt) = (end, isInDoubt)
        end = nil
        var queries = [group.query(schema, now: clock.now()), LogEnd.query(schema)]
        if let tracked = group.trackedEvents(schema) { queries.append(tracked) }
        let rows = try transact(queries, connection, &isInDoubt) { rows, reader in
            guard rows[0].count > 0 else { return nil }
            let answers = try AppendAnswers(rows[0], group)
            return (answers.heads.first ?? .start, try Self.events(group.requests, answers.receipts, reader))
        }
        guard rows[0].count > 0 else {
            isInDoubt = wasInDoubt
            return try appendOfThisHistory(appends, connection, &isInDoubt)
        }
        let answers = try AppendAnswers(rows[0], group)
        let reader = EventReader(connection, session.address, limits: limits)
        let results = try results(answers, group.requests, reader)
        isAlone = before.map { Position(UInt64(clamping: $0.head)) } == answers.heads.first
        end = LogEnd(rows[1], after: isAlone ? before : nil, answers.receipts.compactMap { $0 })
        return results
    }

    /// Appends again without those that were decided on another history, after the server has refused the group for
    /// them.
    private func appendOfThisHistory(
        _ appends: [PreparedAppend], _ connection: Connection, _ isInDoubt: inout Bool
    ) throws -> [Result<Answer, any Error>] {
        let reader = EventReader(connection, session.address, limits: limits)
        let refusals = try appends.map { try reader.refusal(of: $0.request) }
        let rest = appends.indices.filter { refusals[$0] == nil }
        guard rest.count < appends.count else {
            throw StoreError(.corrupt, "the log has the events that a condition names, and not in one snapshot.")
        }
        let answers = rest.isEmpty ? [] : try appendJudged(rest.map { appends[$0] }, connection, &isInDoubt)
        var next = answers.makeIterator()
        return refusals.map { $0 ?? next.next() ?? .failure(AppendAnswers.unreadable) }
    }

    /// Carries out queries in a transaction of their own, in one round trip: in two or more where rules are attached.
    ///
    /// - Parameters:
    ///   - isInDoubt: whether something that was sent may be stored; still so when all went well.
    ///   - stored: the head before, and the events that were stored, for projections; `nil`: there is nothing to keep.
    private func transact(
        _ queries: [Query], _ connection: Connection, _ isInDoubt: inout Bool,
        stored: ([Rows], EventReader) throws -> (before: Position, events: [RecordedEvent])?
    ) throws -> [Rows] {
        if attachments.isEmpty { return try commit([.begin] + queries, connection, &isInDoubt).dropFirst().map { $0 } }
        return try transactInline(queries, connection, &isInDoubt, stored: stored)
    }

    /// Carries out queries, of which the last are to be committed.
    func commit(
        _ queries: [Query], _ connection: Connection, _ isInDoubt: inout Bool
    ) throws(PostgresFailure) -> [Rows] {
        let wasInDoubt = isInDoubt
        isInDoubt = true
        let rows: [Rows]
        let warnings = connection.warningCount
        do throws(PostgresFailure) {
            rows = try connection.run(queries + [.commit])
        } catch {
            // What the server itself has refused is rolled back.
            if !error.isConnectionLost && !error.state.isEmpty { isInDoubt = wasInDoubt }
            throw error
        }
        guard rows.last?.tag == "COMMIT" else {
            isInDoubt = wasInDoubt
            throw PostgresFailure(message: "the transaction was rolled back")
        }
        // The server warns when it no longer waits for its standby: it is committed there, and not here.
        guard connection.warningCount == warnings else {
            throw PostgresFailure(message: "the server did not wait for its standby", isConnectionLost: true)
        }
        return rows.dropLast()
    }

    /// The answers in the words of the contract; why an append was refused stands in the log.
    func results(
        _ answers: AppendAnswers, _ requests: [AppendRequest], _ reader: EventReader
    ) throws -> [Result<Answer, any Error>] {
        try zip(requests, zip(answers.statuses, answers.heads)).map { request, answer in
            let (status, head) = answer
            switch status {
            case .stored(let receipt, let head): return .success((receipt, head))
            case .idKnown:
                let known = try reader.events(request.entries.map(\.event.id))
                return Result {
                    guard let receipt = try request.firstReceipt(known: known) else {
                        throw StoreError(.corrupt, "an event id is in the index and not in the log.")
                    }
                    return (receipt, receipt.position)
                }
            case .conflict: return .failure(try reader.conflict(of: request.condition, head: head))
            case .tracked(let recorded):
                guard let tracking = request.tracking else { return .failure(AppendAnswers.unreadable) }
                return .failure(TrackingConflict(given: tracking, recorded: recorded))
            case .timeRunsBackwards(let index, let last):
                guard index < request.entries.count, let given = request.entries[index].recordedAt else {
                    return .failure(AppendAnswers.unreadable)
                }
                return .failure(InvalidRequest(.timeRunsBackwards(given: given, last: last), index: index))
            }
        }
    }
}

extension AppendAnswers {
    /// The receipts of the requests that were stored.
    var receipts: [Receipt?] { statuses.map { if case .stored(let receipt, _) = $0 { receipt } else { nil } } }

    static let unreadable = StoreError(.ioFailure, "the answer of the append function cannot be read.")
}
#endif
