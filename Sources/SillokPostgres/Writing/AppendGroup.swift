#if Postgres
import SillokChain
import SillokCore

/// An append as it waits for the writer: with the digests of its facts, made in the task of the caller.
struct PreparedAppend: Sendable {
    let request: AppendRequest
    let facts: [ChainDigest]
    /// The memory that it holds while it waits.
    let retainedBytes: Int

    init(_ request: AppendRequest) {
        self.request = request
        facts = request.factDigests
        retainedBytes = request.retainedBytes + facts.count * 32
    }
}

/// A group of appends in the form in which the server's function takes them: arrays, and numbers that say what belongs
/// to what. Everything counts from 1, as SQL does.
struct AppendGroup {
    /// The events of one request that go to one stream.
    struct Slot {
        let request: Int32
        let stream: StreamID
        let name: Int32
        var count: Int32 = 0
    }

    let requests: [AppendRequest]
    private let facts: [ChainDigest]
    private(set) var slots: [Slot] = []
    private var numbers: [StreamID: Int32] = [:]
    private var names: [StreamID] = []
    /// For each event, in the order of the requests.
    private var places: [(request: Int32, place: Int32, slot: Int32, step: Int32)] = []
    private var size = 0

    init(_ appends: [PreparedAppend]) {
        requests = appends.map(\.request)
        facts = appends.flatMap(\.facts)
        for (index, request) in requests.enumerated() { place(request, Int32(index + 1)) }
    }

    private mutating func place(_ request: AppendRequest, _ number: Int32) {
        var own: [StreamID: Int] = [:]
        for (index, entry) in request.entries.enumerated() {
            size = max(size, entry.event.size)
            var (slot, step): (Int32, Int32) = (0, 0)
            if let stream = entry.stream {
                let known = own[stream] ?? slots.count
                if known == slots.count {
                    slots.append(Slot(request: number, stream: stream, name: name(stream)))
                    own[stream] = known
                }
                slots[known].count += 1
                (slot, step) = (Int32(known + 1), slots[known].count)
            }
            places.append((number, Int32(index + 1), slot, step))
        }
        for stream in request.condition.revisions.keys { _ = name(stream) }
    }

    private mutating func name(_ stream: StreamID) -> Int32 {
        if let number = numbers[stream] { return number }
        names.append(stream)
        numbers[stream] = Int32(names.count)
        return Int32(names.count)
    }

    /// The call of the function.
    func query(_ schema: String, now: Timestamp) -> Query {
        var parameters = Parameters()
        addEvents(&parameters)
        parameters.add(requests.map { Int32($0.entries.count) })
        parameters.add(.bool, requests) { request, bytes in
            bytes.append(request.entries.contains { $0.recordedAt != nil } ? 1 : 0)
            return true
        }
        parameters.add(requests.map { $0.tracking?.source.text })
        parameters.add(requests.map { $0.tracking.map { String($0.position) } })
        parameters.add(now.microsecondsSince1970)
        parameters.add(names.map { $0.text as String? })
        parameters.add(slots.map(\.request))
        parameters.add(slots.map(\.name))
        parameters.add(slots.map(\.count))
        addConditions(&parameters)
        let placeholders = (1...parameters.types.count).map { $0 == 18 ? "$18::text[]::numeric[]" : "$\($0)" }
        let marks = marks
        if marks.isEmpty {
            return Query(
                "SELECT * FROM \(schema).append(\(placeholders.joined(separator: ", ")))", parameters, isKept: true)
        }
        parameters.add(marks.map { Int64(clamping: $0.position.value) })
        parameters.add(.uuid, marks) { mark, bytes in
            guard let id = mark.id else { return false }
            bytes.append(id)
            return true
        }
        return Query(Self.guarded(placeholders, schema), parameters, isKept: true)
    }

    /// The call, which is not made at all if the log does not have the event of a mark. What was committed does not
    /// change,
    /// so that this needs no lock. An argument is taken from the answer to that question, so that it is asked first.
    private static func guarded(_ placeholders: [String], _ schema: String) -> String {
        let (places, ids) = ("$\(placeholders.count + 1)", "$\(placeholders.count + 2)")
        var arguments = placeholders
        arguments[13] = "held.size"
        return """
            WITH held AS MATERIALIZED (SELECT $14::bigint AS size WHERE NOT EXISTS (
                SELECT FROM unnest(\(places)::bigint[], \(ids)::uuid[]) AS m (position, id) WHERE NOT coalesce(
                    (SELECT m.id IS NULL OR e.id = m.id FROM \(schema).events e WHERE e.position = m.position), false)))
            SELECT a.* FROM held, LATERAL \(schema).append(\(arguments.joined(separator: ", "))) AS a
            """
    }

    /// The places in the log that the conditions rest on.
    private var marks: [EventMark] {
        requests.flatMap { $0.condition.unchanged.map(\.seen) }.filter { $0.position > .start }
    }

    /// Notes the ids of the foreign events up to which the requests have consumed other logs; `nil` if none is given.
    func trackedEvents(_ schema: String) -> Query? {
        let requests = requests.filter { $0.tracking?.event != nil && !$0.entries.isEmpty }
        if requests.isEmpty { return nil }
        var parameters = Parameters()
        parameters.add(requests.map { $0.tracking?.source.text })
        parameters.add(requests.map { $0.tracking.map { String($0.position) } })
        parameters.add(requests.compactMap { $0.tracking?.event })
        parameters.add(requests.compactMap { $0.entries.first?.event.id })
        return Query("SELECT \(schema).note_tracked($1, $2::text[]::numeric[], $3, $4)", parameters, isKept: true)
    }

    private func addEvents(_ parameters: inout Parameters) {
        let entries = requests.flatMap(\.entries)
        parameters.add(entries.map(\.event.id))
        parameters.add(places.map(\.request))
        parameters.add(places.map(\.place))
        parameters.add(places.map(\.slot))
        parameters.add(places.map(\.step))
        parameters.add(entries.map { $0.stream?.text })
        parameters.add(entries.map { $0.event.type.text as String? })
        parameters.add(entries.map { $0.event.contentType == .json ? nil : $0.event.contentType.text })
        parameters.add(.int8, entries) { entry, bytes in
            guard let time = entry.recordedAt else { return false }
            bytes.append(bigEndian: time.microsecondsSince1970)
            return true
        }
        parameters.add(entries.map { Self.joined($0.event.tags.map(\.text)) })
        parameters.add(.bytes, entries) { entry, bytes in
            if entry.event.metadata.isEmpty { return false }
            bytes.append(contentsOf: entry.event.metadata.bytes)
            return true
        }
        parameters.add(.bytes, entries) { entry, bytes in
            bytes.append(contentsOf: entry.event.payload)
            return true
        }
        parameters.add(.bytes, facts) { fact, bytes in
            fact.withUnsafeBytes { bytes.append(contentsOf: $0) }
            return true
        }
        parameters.add(Int64(size))
    }

    private func addConditions(_ parameters: inout Parameters) {
        var expected: [(request: Int32, name: Int32, revision: Int64)] = []
        var unchanged: [(request: Int32, since: Int64)] = []
        var items: [(condition: Int32, item: EventQuery.Item)] = []
        var blockers: [(condition: Int32, event: Int32)] = []
        var first = 0
        for (index, request) in requests.enumerated() {
            let number = Int32(index + 1)
            for (stream, revision) in request.condition.revisions {
                expected.append((number, numbers[stream] ?? 0, Int64(clamping: revision.value)))
            }
            for condition in request.condition.unchanged {
                unchanged.append((number, Int64(clamping: condition.since.value)))
                items += condition.query.items.map { (Int32(unchanged.count), $0) }
                blockers += matches(condition.query, before: first).map { (Int32(unchanged.count), $0) }
            }
            first += request.entries.count
        }
        parameters.add(expected.map(\.request))
        parameters.add(expected.map(\.name))
        parameters.add(expected.map(\.revision))
        parameters.add(unchanged.map(\.request))
        parameters.add(unchanged.map(\.since))
        parameters.add(items.map(\.condition))
        parameters.add(items.map { $0.item.stream?.text })
        parameters.add(items.map { $0.item.category?.text })
        parameters.add(items.map { Self.joined($0.item.types.map(\.text)) })
        parameters.add(items.map { Self.joined($0.item.tags.map(\.text)) })
        parameters.add(blockers.map(\.condition))
        parameters.add(blockers.map(\.event))
    }

    /// The events of the group, up to a place in it, that a query matches.
    private func matches(_ query: EventQuery, before end: Int) -> [Int32] {
        if end == 0 { return [] }
        var found: [Int32] = []
        var number: Int32 = 0
        for request in requests {
            for entry in request.entries {
                if Int(number) == end { return found }
                number += 1
                if query.matches(stream: entry.stream, type: entry.event.type, tags: entry.event.tags) {
                    found.append(number)
                }
            }
        }
        return found
    }

    /// Names in one text: no name has a control character. `nil` for none.
    private static func joined(_ names: [String]) -> String? {
        names.isEmpty ? nil : names.joined(separator: "\u{1}")
    }
}

/// What the function answered for each request.
struct AppendAnswers {
    enum Status {
        case stored(Receipt, head: Position)
        case idKnown
        case conflict
        case tracked(UInt64)
        case timeRunsBackwards(entry: Int, last: Timestamp)
    }

    let statuses: [Status]
    /// The head of the log when each request was checked.
    let heads: [Position]

    init(_ rows: Rows, _ group: AppendGroup) throws(PostgresFailure) {
        let count = group.requests.count
        let numbers = (0..<5).map { rows.numbers(0, $0) }
        let details = rows.texts(0, 5)
        guard rows.count == 1, details.count == count,
            [0, 1, 2, 4].allSatisfy({ numbers[$0].count == count }), numbers[3].count == group.slots.count
        else { throw PostgresFailure(message: "the answer of the append function cannot be read") }
        let (codes, starts, heads, bases, clocks) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
        var revisions: [[StreamID: Revision]] = Array(repeating: [:], count: count)
        for (slot, base) in zip(group.slots, bases) {
            revisions[Int(slot.request) - 1][slot.stream] = Revision(UInt64(clamping: (base ?? 0) + Int64(slot.count)))
        }
        self.heads = heads.map { Position(UInt64(clamping: $0 ?? 0)) }
        statuses = group.requests.indices.map { index in
            let clock = Timestamp(microsecondsSince1970: clocks[index] ?? 0)
            switch codes[index] {
            case 0:
                let start = UInt64(clamping: starts[index] ?? 0)
                let last = Position(start + UInt64(group.requests[index].entries.count))
                let receipt = Receipt(
                    firstPosition: min(Position(start + 1), last),
                    mark: EventMark(position: last, id: group.requests[index].entries.last?.event.id),
                    revisions: revisions[index], recordedAt: clock)
                return .stored(receipt, head: last)
            case 1: return .idKnown
            case 3: return .tracked(details[index].flatMap { UInt64($0) } ?? 0)
            case 4: return .timeRunsBackwards(entry: details[index].flatMap { Int($0) } ?? 0, last: clock)
            default: return .conflict
            }
        }
    }
}
#endif
