#if Postgres
import SillokChain
import SillokCore

/// A group of appends as arguments of the server's function: arrays, with indexes that start at 1 as in SQL.
struct AppendGroup {
    /// The events of one request that go to one stream.
    struct Slot {
        let request: Int32
        let stream: StreamID
        let name: Int32
        var count: Int32 = 0
    }

    let requests: [AppendRequest]
    /// The query items of the conditions, and the events of the group that match them.
    let watches: GroupWatches
    private let facts: [ChainDigest]
    private(set) var slots: [Slot] = []
    private var numbers: [StreamID: Int32] = [:]
    private var names: [StreamID] = []
    /// The places of each event, in the order of the requests.
    private var places: [(request: Int32, place: Int32, slot: Int32, step: Int32)] = []

    /// - Parameter watches: the watches of the appends, if they were computed before.
    init(_ appends: [PreparedAppend], _ watches: GroupWatches? = nil) {
        requests = appends.map(\.request)
        self.watches = watches ?? GroupWatches(appends)
        facts = appends.flatMap(\.facts)
        for (index, request) in requests.enumerated() { place(request, Int32(index + 1)) }
    }

    private mutating func place(_ request: AppendRequest, _ number: Int32) {
        var own: [StreamID: Int] = [:]
        for (index, entry) in request.entries.enumerated() {
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

    /// The steps that the conditions of one request, and of a group, may use while the lock is held. A condition that
    /// needs more is first judged on a reader.
    private static let stepsOfRequest: Int64 = 5000
    private static let stepsOfGroup: Int64 = 20_000

    /// Returns the call of the function.
    func query(_ schema: String, now: Timestamp) -> Query {
        var parameters = Parameters()
        addEvents(&parameters)
        parameters.add(requests.map { Int32($0.entries.count) })
        parameters.add(.bool, requests) { request, bytes in
            bytes.append(request.entries.contains { $0.recordedAt != nil } ? 1 : 0)
            return true
        }
        parameters.add(requests.map { $0.tracking?.source.text })
        parameters.add(numerics: requests.map { $0.tracking.map { String($0.position) } })
        parameters.add(now.microsecondsSince1970)
        parameters.add(names.map { $0.text as String? })
        parameters.add(slots.map(\.request))
        parameters.add(slots.map(\.name))
        parameters.add(slots.map(\.count))
        addConditions(&parameters)
        return Query(
            "SELECT * FROM \(schema).append_group(\(parameters.placeholders))", parameters, isKept: true)
    }

    /// Returns the query that records the ids of the foreign events up to which the requests have consumed other logs;
    /// `nil` if none is given.
    func trackedEvents(_ schema: String) -> Query? {
        let requests = requests.filter { $0.tracking?.event != nil && !$0.entries.isEmpty }
        if requests.isEmpty { return nil }
        var parameters = Parameters()
        parameters.add(requests.map { $0.tracking?.source.text })
        parameters.add(numerics: requests.map { $0.tracking.map { String($0.position) } })
        parameters.add(requests.compactMap { $0.tracking?.event })
        parameters.add(requests.compactMap { $0.entries.first?.event.id })
        return Query("SELECT \(schema).note_tracked(\(parameters.placeholders))", parameters, isKept: true)
    }

    private func addEvents(_ parameters: inout Parameters) {
        let events = EventColumns(requests.flatMap(\.entries))
        events.addIDs(to: &parameters)
        parameters.add(places.map(\.request))
        parameters.add(places.map(\.place))
        parameters.add(places.map(\.slot))
        parameters.add(places.map(\.step))
        events.addStreams(to: &parameters)
        events.addTypes(to: &parameters)
        events.addTimes(to: &parameters)
        events.addContents(to: &parameters, facts)
        parameters.add(Int64(events.largest))
    }

    private func addConditions(_ parameters: inout Parameters) {
        var expected: [(request: Int32, name: Int32, revision: Int64)] = []
        for (index, request) in requests.enumerated() {
            for (stream, revision) in request.condition.revisions {
                expected.append((Int32(index + 1), numbers[stream] ?? 0, Int64(clamping: revision.value)))
            }
        }
        parameters.add(expected.map(\.request))
        parameters.add(expected.map(\.name))
        parameters.add(expected.map(\.revision))
        parameters.add(items: watches.items)
        parameters.add(watches.items.map { Int32(clamping: $0.lists) })
        parameters.add(watches.conditions.map(\.request))
        parameters.add(watches.conditions.map(\.watch))
        parameters.add(watches.conditions.map(\.since))
        parameters.add(.uuid, watches.conditions) { condition, bytes in
            guard condition.since > 0, let mark = condition.mark else { return false }
            bytes.append(mark)
            return true
        }
        parameters.add(watches.hits.map(\.request))
        parameters.add(watches.hits.map(\.place))
        parameters.add(watches.hits.map(\.watch))
        parameters.add(Self.stepsOfRequest)
        parameters.add(Self.stepsOfGroup)
    }
}

/// The server's verdict on a request, and the head of the log at that moment.
struct Verdict: Sendable {
    let status: AppendAnswers.Status
    let head: Position
}

/// The results of the function for each request.
struct AppendAnswers {
    enum Status: Sendable {
        case stored(Receipt, head: Position)
        case idKnown
        case conflict
        case tracked(UInt64)
        case timeRunsBackwards(entry: Int, last: Timestamp)
        /// Judging the condition takes more steps than are allowed while the lock is held.
        case undecided
        /// The log is not the one that the condition was judged against.
        case otherLog
    }

    let statuses: [Status]

    /// The server's verdict on each request.
    var verdicts: [Verdict] { zip(statuses, heads).map { Verdict(status: $0, head: $1) } }

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
        statuses = try group.requests.indices.map { index throws(PostgresFailure) in
            let clock = clocks[index].map { Timestamp(microsecondsSince1970: $0) }
            let detail = details[index].flatMap { UInt64($0) }
            switch (codes[index], starts[index].map { UInt64(clamping: $0) }, clock) {
            case (0, let start?, let clock?):
                let last = Position(start + UInt64(group.requests[index].entries.count))
                let receipt = Receipt(
                    firstPosition: min(Position(start + 1), last),
                    mark: EventMark(position: last, id: group.requests[index].entries.last?.event.id),
                    revisions: revisions[index], recordedAt: clock)
                return .stored(receipt, head: last)
            case (1, _, _): return .idKnown
            case (2, _, _): return .conflict
            case (3, _, _): if let detail { return .tracked(detail) }
            case (4, _, let clock?):
                if let detail { return .timeRunsBackwards(entry: Int(clamping: detail), last: clock) }
            case (5, _, _): return .undecided
            case (6, _, _): return .otherLog
            default: break
            }
            throw PostgresFailure(message: "the answer of the append function cannot be read")
        }
    }
}

/// The columns of events to append, as arrays.
///
/// The events are read in place: a copy of one counts each of its parts.
struct EventColumns {
    private let entries: [AppendRequest.Entry]
    /// The bytes of the largest event.
    let largest: Int

    init(_ entries: [AppendRequest.Entry]) {
        self.entries = entries
        largest = entries.indices.lazy.map { entries[$0].event.size }.max() ?? 0
    }

    func addIDs(to parameters: inout Parameters) {
        add(.uuid, to: &parameters) { entry, bytes in
            bytes.append(entry.pointee.event.id)
            return true
        }
    }

    func addStreams(to parameters: inout Parameters) {
        add(.text, to: &parameters) { entry, bytes in
            guard let stream = entry.pointee.stream else { return false }
            bytes.append(contentsOf: stream.text.utf8)
            return true
        }
    }

    /// Adds the types and the content types.
    func addTypes(to parameters: inout Parameters) {
        add(.text, to: &parameters) { entry, bytes in
            bytes.append(contentsOf: entry.pointee.event.type.text.utf8)
            return true
        }
        add(.text, to: &parameters) { entry, bytes in
            if entry.pointee.event.contentType == .json { return false }
            bytes.append(contentsOf: entry.pointee.event.contentType.text.utf8)
            return true
        }
    }

    /// Adds the times that were given.
    func addTimes(to parameters: inout Parameters) {
        add(.int8, to: &parameters) { entry, bytes in
            guard let time = entry.pointee.recordedAt else { return false }
            bytes.append(bigEndian: time.microsecondsSince1970)
            return true
        }
    }

    /// Adds the tags, the metadata, the payloads, and the digests of the events.
    ///
    /// The tags of an event are one text, because no tag contains a control character; NULL if no event has tags.
    func addContents(to parameters: inout Parameters, _ digests: [ChainDigest]) {
        if entries.contains(where: { !$0.event.tags.isEmpty }) {
            add(.text, to: &parameters) { entry, bytes in
                for (number, tag) in entry.pointee.event.tags.enumerated() {
                    if number > 0 { bytes.append(1) }
                    bytes.append(contentsOf: tag.text.utf8)
                }
                return !entry.pointee.event.tags.isEmpty
            }
        } else {
            parameters.addNull(arrayOf: .text)
        }
        add(.bytes, to: &parameters) { entry, bytes in
            if entry.pointee.event.metadata.isEmpty { return false }
            bytes.append(contentsOf: entry.pointee.event.metadata.bytes)
            return true
        }
        add(.bytes, to: &parameters) { entry, bytes in
            bytes.append(contentsOf: entry.pointee.event.payload)
            return true
        }
        parameters.add(.bytes, digests) { digest, bytes in
            digest.withUnsafeBytes { bytes.append(contentsOf: $0) }
            return true
        }
    }

    private func add(
        _ type: TypeNumber, to parameters: inout Parameters,
        _ element: (UnsafePointer<AppendRequest.Entry>, inout [UInt8]) -> Bool
    ) {
        entries.withUnsafeBufferPointer { entries in
            parameters.add(type, entries.indices) { index, bytes in
                guard let first = entries.baseAddress else { return false }
                return element(first + index, &bytes)
            }
        }
    }
}
#endif
