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
    private static let capacity = 50_000

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
    init?(_ rows: Rows, after before: LogEnd?, _ receipts: [Receipt]) {
        guard rows.count == 1, let link = ChainDigest(rows.bytes(0, 1)), let head = rows.number(0, 0),
            let recorded = rows.number(0, 2), let largest = rows.number(0, 3)
        else { return nil }
        (self.head, self.link, self.recorded, self.largest) = (head, link, recorded, largest)
        id = rows.id(0, 4)
        revisions = before?.revisions ?? [:]
        for receipt in receipts {
            for (stream, revision) in receipt.revisions { remember(Int64(clamping: revision.value), of: stream) }
        }
    }

    private mutating func remember(_ revision: Int64, of stream: StreamID) {
        if revisions.count >= Self.capacity { revisions.removeAll(keepingCapacity: true) }
        revisions[stream] = revision
    }

    /// Prepares appends for this end and moves it behind them. Returns `nil` if the server must judge one of them, or
    /// would reject it: then the server finds the reason.
    mutating func ready(_ appends: [PreparedAppend], schema: String, now: Timestamp) -> ReadyAppends? {
        let before = (head, link)
        var rows = ReadyRows()
        var receipts: [Receipt] = []
        for append in appends {
            guard let receipt = place(append, now.microsecondsSince1970, &rows) else { return nil }
            receipts.append(receipt)
        }
        let size = appends.lazy.flatMap(\.request.entries).map { Int64($0.event.size) }.max() ?? 0
        defer { if size > largest { largest = max(size, largest * 2) } }
        let query = rows.query(
            appends.flatMap { $0.request.entries.map(\.event) }, schema: schema, after: before,
            size: size > largest ? size : nil)
        return ReadyAppends(query: query, receipts: receipts)
    }

    private mutating func place(_ append: PreparedAppend, _ now: Int64, _ rows: inout ReadyRows) -> Receipt? {
        let (request, first) = (append.request, head + 1)
        guard request.tracking == nil, holds(request) else { return nil }
        var last: [StreamID: Revision] = [:]
        for (entry, fact) in zip(request.entries, append.facts) {
            let time = entry.recordedAt?.microsecondsSince1970 ?? max(now, recorded)
            guard time >= recorded else { return nil }
            var revision: Int64 = 0
            if let stream = entry.stream {
                guard let known = revisions[stream] ?? (request.condition.revisions[stream] == Revision.none ? 0 : nil)
                else { return nil }
                revision = known + 1
                remember(revision, of: stream)
                last[stream] = Revision(UInt64(clamping: revision))
            }
            head += 1
            id = entry.event.id
            recorded = time
            link = Chain.link(
                after: link, Position(UInt64(clamping: head)), Revision(UInt64(clamping: revision)),
                Timestamp(microsecondsSince1970: time), fact)
            rows.add(entry.stream, revision: revision, time: time, link: link)
        }
        return Receipt(
            firstPosition: Position(UInt64(clamping: first)),
            mark: EventMark(position: Position(UInt64(clamping: head)), id: id), revisions: last,
            recordedAt: Timestamp(microsecondsSince1970: recorded))
    }

    /// Returns whether the condition of a request certainly holds. If the request has the first event of a stream
    /// without known events, the index checks the expected revision.
    private func holds(_ request: AppendRequest) -> Bool {
        request.condition.revisions.allSatisfy { stream, expected in
            if let known = revisions[stream] { return known == Int64(clamping: expected.value) }
            return expected == .none && request.entries.contains { $0.stream == stream }
        }
            && request.condition.unchanged.allSatisfy { unchanged in
                let isAtEnd = unchanged.since.value == UInt64(clamping: head)
                return isAtEnd && (unchanged.seen.id == nil || unchanged.seen.id == id)
            }
    }
}

/// Appends that the server only has to store, and their receipts.
struct ReadyAppends {
    let query: Query
    let receipts: [Receipt]
}

/// The computed columns of the events of prepared appends.
private struct ReadyRows {
    private var streams: [String?] = []
    private var revisions: [Int64] = []
    private var times: [Int64] = []
    private var links: [ChainDigest] = []

    mutating func add(_ stream: StreamID?, revision: Int64, time: Int64, link: ChainDigest) {
        streams.append(stream?.text)
        revisions.append(revision)
        times.append(time)
        links.append(link)
    }

    /// Returns the call of the function.
    func query(
        _ events: [EventData], schema: String, after end: (head: Int64, link: ChainDigest), size: Int64?
    ) -> Query {
        var parameters = Parameters()
        parameters.add(end.head)
        parameters.add(end.link.bytes)
        parameters.add(events.map(\.id))
        parameters.add(streams)
        parameters.add(revisions)
        parameters.add(events, contents: links, times: times)
        if let size { parameters.add(size) } else { parameters.addNull(.int8) }
        return Query("SELECT * FROM \(schema).append_after(\(parameters.placeholders))", parameters, isKept: true)
    }
}

extension Parameters {
    /// Adds the columns of events from their types to their links.
    fileprivate mutating func add(_ events: [EventData], contents links: [ChainDigest], times: [Int64]) {
        add(.text, events) { event, bytes in
            bytes.append(contentsOf: event.type.text.utf8)
            return true
        }
        add(.text, events) { event, bytes in
            if event.contentType == .json { return false }
            bytes.append(contentsOf: event.contentType.text.utf8)
            return true
        }
        add(times)
        addTags(events)
        add(.bytes, events) { event, bytes in
            if event.metadata.isEmpty { return false }
            bytes.append(contentsOf: event.metadata.bytes)
            return true
        }
        add(.bytes, events) { event, bytes in
            bytes.append(contentsOf: event.payload)
            return true
        }
        add(.bytes, links) { link, bytes in
            link.withUnsafeBytes { bytes.append(contentsOf: $0) }
            return true
        }
    }

    /// Adds the tags of each event as one text, because no tag contains a control character; NULL if no event has tags.
    private mutating func addTags(_ events: [EventData]) {
        guard events.contains(where: { !$0.tags.isEmpty }) else { return addNull(arrayOf: .text) }
        add(.text, events) { event, bytes in
            for (index, tag) in event.tags.enumerated() {
                if index > 0 { bytes.append(1) }
                bytes.append(contentsOf: tag.text.utf8)
            }
            return !event.tags.isEmpty
        }
    }
}
#endif
