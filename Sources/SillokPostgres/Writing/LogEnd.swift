#if Postgres
import SillokChain
import SillokCore

/// The end of the log as this process knows it, and appends that are prepared for it.
///
/// It is valid while no other process appends, which the server checks by the link. While it is valid, appends are
/// prepared here, and the server only has to store them.
struct LogEnd {
    private(set) var head: Int64
    private var link: ChainDigest
    private var id: EventID?
    private var recorded: Int64
    /// An upper bound of the bytes of any event, as stored by the server.
    private var largest: Int64
    /// The revisions of streams at this end, up to a maximum number of streams.
    private var revisions: [StreamID: Int64]
    /// The revisions after appends that are prepared and not stored yet. A copy of `revisions` would take long.
    private var prepared: [StreamID: Int64] = [:]
    private static let capacity = 50_000
    /// The computed columns of the events of prepared appends.
    private typealias PlacedEvents = (revisions: [Int64], times: [Int64], links: [ChainDigest])

    /// Returns the query for the end, run in the transaction that has appended. It returns no rows if an operator has
    /// rebuilt the table with partitions, because unique indexes then do not reject an entry of another partition.
    static func query(_ schema: String) -> Query {
        Query(
            "SELECT e.position, e.link, e.recorded, (SELECT s.largest FROM \(schema).store s), e.id "
                + "FROM (SELECT * FROM (SELECT e.*, e.tableoid AS part FROM \(schema).events e "
                + "ORDER BY e.position DESC LIMIT 1) e WHERE NOT (SELECT c.relispartition FROM pg_catalog.pg_class c "
                + "WHERE c.oid = e.part)) e", isKept: true)
    }

    /// - Parameters:
    ///   - rows: the result of the query.
    ///   - before: the end as it was known, if no other process has appended since.
    ///   - receipts: the receipts of the appends since then.
    init?(_ rows: Rows, after before: consuming LogEnd?, _ receipts: [Receipt]) {
        guard rows.count == 1, let link = ChainDigest(rows.bytes(0, 1)), let head = rows.number(0, 0),
            let recorded = rows.number(0, 2), let largest = rows.number(0, 3)
        else { return nil }
        (self.head, self.link, self.recorded, self.largest) = (head, link, recorded, largest)
        id = rows.id(0, 4)
        revisions = before?.revisions ?? [:]
        before = nil
        for receipt in receipts {
            for (stream, revision) in receipt.revisions { remember(Int64(clamping: revision.value), of: stream) }
        }
    }

    private mutating func remember(_ revision: Int64, of stream: StreamID) {
        if revisions.count >= Self.capacity { revisions.removeAll(keepingCapacity: true) }
        revisions[stream] = revision
    }

    /// Takes the prepared appends as stored.
    mutating func settle() {
        for (stream, revision) in prepared { remember(revision, of: stream) }
        prepared.removeAll()
    }

    /// Prepares appends for this end and moves it behind them. Returns the query that stores them, and their receipts;
    /// `nil` if the server must judge one of them, or would reject it: then the server finds the reason.
    mutating func ready(
        _ appends: [PreparedAppend], schema: String, now: Timestamp
    ) -> (query: Query, receipts: [Receipt])? {
        let before = (head, link)
        var placed: PlacedEvents = ([], [], [])
        var receipts: [Receipt] = []
        for append in appends {
            guard let receipt = place(append, now.microsecondsSince1970, &placed) else { return nil }
            receipts.append(receipt)
        }
        let events = EventColumns(appends.count == 1 ? appends[0].request.entries : appends.flatMap(\.request.entries))
        let size = Int64(events.largest)
        defer { if size > largest { largest = max(size, largest * 2) } }
        var parameters = Parameters()
        parameters.add(before.0)
        parameters.add(before.1.bytes)
        events.addIDs(to: &parameters)
        events.addStreams(to: &parameters)
        parameters.add(placed.revisions)
        events.addTypes(to: &parameters)
        parameters.add(placed.times)
        events.addContents(to: &parameters, placed.links)
        if size > largest { parameters.add(size) } else { parameters.addNull(.int8) }
        return (Query("SELECT \(schema).append_after(\(Self.placeholders))", parameters, isKept: true), receipts)
    }

    private static let placeholders = (1...13).map { "$\($0)" }.joined(separator: ", ")

    private mutating func place(_ append: PreparedAppend, _ now: Int64, _ placed: inout PlacedEvents) -> Receipt? {
        let (request, first) = (append.request, head + 1)
        guard request.tracking == nil, holds(request) else { return nil }
        var last: [StreamID: Revision] = [:]
        var (stream, revision): (StreamID?, Int64) = (nil, 0)
        for (entry, fact) in zip(request.entries, append.facts) {
            let time = entry.recordedAt?.microsecondsSince1970 ?? max(now, recorded)
            guard time >= recorded else { return nil }
            if entry.stream != stream {
                leave(stream, revision, &last)
                (stream, revision) = (entry.stream, 0)
                if let stream {
                    guard let known = known(stream) ?? (request.condition.revisions[stream] == Revision.none ? 0 : nil)
                    else { return nil }
                    revision = known
                }
            }
            if stream != nil { revision += 1 }
            head += 1
            id = entry.event.id
            recorded = time
            link = Chain.link(
                after: link, Position(UInt64(clamping: head)), Revision(UInt64(clamping: revision)),
                Timestamp(microsecondsSince1970: time), fact)
            placed.revisions.append(revision)
            placed.times.append(time)
            placed.links.append(link)
        }
        leave(stream, revision, &last)
        return Receipt(
            firstPosition: Position(UInt64(clamping: first)),
            mark: EventMark(position: Position(UInt64(clamping: head)), id: id), revisions: last,
            recordedAt: Timestamp(microsecondsSince1970: recorded))
    }

    /// Notes the revision of a stream after the events of an append.
    private mutating func leave(_ stream: StreamID?, _ revision: Int64, _ last: inout [StreamID: Revision]) {
        guard let stream else { return }
        prepared[stream] = revision
        last[stream] = Revision(UInt64(clamping: revision))
    }

    private func known(_ stream: StreamID) -> Int64? { prepared[stream] ?? revisions[stream] }

    /// Returns whether the condition of a request certainly holds. If the request has the first event of a stream
    /// without known events, the index checks the expected revision.
    private func holds(_ request: AppendRequest) -> Bool {
        request.condition.revisions.allSatisfy { stream, expected in
            if let known = known(stream) { return known == Int64(clamping: expected.value) }
            return expected == .none && request.entries.contains { $0.stream == stream }
        }
            && request.condition.unchanged.allSatisfy { unchanged in
                let isAtEnd = unchanged.since.value == UInt64(clamping: head)
                return isAtEnd && (unchanged.seen.id == nil || unchanged.seen.id == id)
            }
    }
}
#endif
