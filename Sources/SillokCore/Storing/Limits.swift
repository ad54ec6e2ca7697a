/// The maximum sizes of requests. A store rejects a larger request with an ``InvalidRequest`` before it reaches the
/// log.
///
/// If a value is out of range, the store uses the nearest supported one and shows it in its ``EventStore/limits``. A
/// number is from 1 to 2^40; ``payloadBytes``, ``metadataBytes`` and ``tags`` may also be 0. ``clockLead`` must not be
/// negative.
public struct Limits: Hashable, Sendable {
    /// Payload bytes of one event: 1 MiB.
    public var payloadBytes = 1 << 20
    /// Bytes of one append, including names and metadata: 4 MiB.
    public var batchBytes = 4 << 20
    /// Events of one append: 1,000.
    public var batchEvents = 1000
    /// Bytes of the metadata of one event: 64 KiB.
    public var metadataBytes = 64 << 10
    /// Tags of one event, and of one item of a query: 64.
    public var tags = 64
    /// Bytes of one tag: 256.
    public var tagBytes = 256
    /// Bytes of a stream's name: 512.
    public var streamBytes = 512
    /// Bytes of an event type, a content type, or the name of a tracking source: 256.
    public var typeBytes = 256
    /// Items of a query, types of an item, and queries of a condition: 100.
    public var queryItems = 100
    /// Events of one page: 1,000.
    public var pageEvents = 1000
    /// Bytes after which a page ends: 512 KiB. The first event of a page may be larger.
    public var pageBytes = 512 << 10
    /// The maximum number of events in an ``AppendConflict``: 100. ``pageBytes`` limits their size.
    public var conflictEvents = 100

    /// The maximum number of steps to check the condition of one append: 100,000, about 25 milliseconds.
    ///
    /// Reading one index entry is a step; a lookup in a stored index counts as eight. If the condition of an append
    /// needs more steps, the store rejects the append with ``StoreError/Code/tooExpensive`` and stores nothing.
    public var conditionSteps = 100_000

    /// The maximum number of steps to find the events of one page: 100,000, about 25 milliseconds. See
    /// ``conditionSteps``.
    ///
    /// A page that takes more ends early. It contains the events that were found, possibly none, and its
    /// ``EventBatch/through`` is the position up to which the read has searched. The next page continues there.
    public var pageSteps = 100_000

    /// Bytes of memory that all unfinished appends of a store may use together: 64 MiB. The store rejects an append
    /// that exceeds this with ``StoreError/Code/overloaded``, unless it is the only one.
    public var queueBytes = 64 << 20

    /// How far ahead of the store's clock a given recorded time may be: five minutes.
    ///
    /// Recorded times never decrease, so every event after one of the year 2226 would get that year too. To import a
    /// log that contains times further ahead, open the new store with a larger value.
    public var clockLead: Duration = .seconds(300)

    /// Creates the default limits.
    public init() {}

    /// These limits with every value that a store cannot work with replaced by the nearest one that it can.
    package var supported: Limits {
        var limits = self
        for (path, least) in Self.least { limits[keyPath: path] = min(max(self[keyPath: path], least), Self.most) }
        limits.clockLead = min(max(clockLead, .zero), .microseconds(Int64.max))
        return limits
    }

    /// Twice as much, or the sum of several, is still far from the end of the number range.
    private static let most = 1 << 40

    /// Every limit that is a number, and its least value.
    private static var least: [(WritableKeyPath<Limits, Int>, Int)] {
        [
            (\.payloadBytes, 0), (\.batchBytes, 1), (\.batchEvents, 1), (\.metadataBytes, 0), (\.tags, 0),
            (\.tagBytes, 1), (\.streamBytes, 1), (\.typeBytes, 1), (\.queryItems, 1), (\.pageEvents, 1),
            (\.pageBytes, 1), (\.conflictEvents, 1), (\.conditionSteps, 1), (\.pageSteps, 1), (\.queueBytes, 1),
        ]
    }

    /// Throws if a store with these limits would reject the request.
    public func check(_ request: AppendRequest) throws(InvalidRequest) { try check(request, request.runs) }

    /// The same, with the runs of the request.
    package func check(_ request: AppendRequest, _ runs: [Int]) throws(InvalidRequest) {
        // A consumer that derives no events from another log still records its progress.
        guard !request.entries.isEmpty || request.tracking != nil else { throw InvalidRequest(.emptyBatch) }
        try InvalidRequest.limit(.batchEvents, request.entries.count, batchEvents)
        try request.entries.withUnsafeBufferPointer { entries throws(InvalidRequest) in try check(entries, runs) }
        for stream in request.condition.revisions.keys { try check(stream, .stream, streamBytes) }
        try InvalidRequest.limit(.queryItems, request.condition.unchanged.count, queryItems)
        for unchanged in request.condition.unchanged { try check(unchanged.query) }
        if let tracking = request.tracking { try check(tracking.source, .trackingSource, typeBytes) }
    }

    /// Throws if a store with these limits would reject the request.
    public func check(_ request: ReadRequest) throws(InvalidRequest) {
        guard request.limit >= 1 else { throw InvalidRequest(.emptyPage) }
        try InvalidRequest.limit(.pageEvents, request.limit, pageEvents)
        try check(request.query)
        for case .revision? in [request.after, request.before] {
            guard request.query.items.count == 1, request.query.items[0].stream != nil else {
                throw InvalidRequest(.revisionWithoutStream)
            }
        }
    }

    /// Throws if a store with these limits would reject the query.
    public func check(_ query: EventQuery) throws(InvalidRequest) {
        try InvalidRequest.limit(.queryItems, query.items.count, queryItems)
        for item in query.items {
            if let stream = item.stream { try check(stream, .stream, streamBytes) }
            if let category = item.category { try check(category) }
            try InvalidRequest.limit(.queryItems, item.types.count, queryItems)
            for type in item.types { try check(type, .type, typeBytes) }
            try InvalidRequest.limit(.tags, item.tags.count, tags)
            for tag in item.tags { try check(tag, .tag, tagBytes) }
        }
    }

    /// Throws if a store with these limits would reject these arguments of ``EventStore/streams(in:after:limit:)``.
    public func checkStreams(in category: StreamCategory?, after name: StreamID?, limit: Int) throws(InvalidRequest) {
        guard limit >= 1 else { throw InvalidRequest(.emptyPage) }
        try InvalidRequest.limit(.pageEvents, limit, pageEvents)
        if let category { try check(category) }
        if let name { try check(name, .stream, streamBytes) }
    }

    /// Throws if a given time of the request is more than ``clockLead`` ahead of the store's clock.
    ///
    /// A store calls this after it has looked for a repeat, so a repeated append still gets its first receipt.
    package func checkTimes(of request: AppendRequest, clock: Timestamp) throws(InvalidRequest) {
        let latest = clock.advanced(byMicroseconds: clockLead.wholeMicroseconds)
        try request.entries.withUnsafeBufferPointer { entries throws(InvalidRequest) in
            for index in entries.indices {
                guard let given = entries[index].recordedAt, given > latest else { continue }
                throw InvalidRequest(.timeAhead(given: given, clock: clock), index: index)
            }
        }
    }

    /// Throws if no stream can have the category. A category ends before the first dash of a name, so it contains none.
    package func check(_ category: StreamCategory) throws(InvalidRequest) {
        try check(category, .category, streamBytes)
        if category.text.utf8.contains(UInt8(ascii: "-")) { throw InvalidRequest(.dashInCategory(category)) }
    }

    /// Returns the first events that broke a condition, at most as many as a conflict shows.
    package func shownInConflict(_ events: some Sequence<RecordedEvent>) -> [RecordedEvent] {
        var shown: [RecordedEvent] = []
        var bytes = 0
        for event in events {
            shown.append(event)
            bytes += event.data.size
            if shown.count >= conflictEvents || bytes >= pageBytes { break }
        }
        return shown
    }

    /// Checks the names of each run once, and the contents and ids of all events.
    private func check(
        _ entries: UnsafeBufferPointer<AppendRequest.Entry>, _ runs: [Int]
    ) throws(InvalidRequest) {
        let isSingle = entries.count == 1
        var ids = BatchIDs(isSingle ? 0 : entries.count)
        var (bytes, start) = (0, 0)
        for end in runs {
            let namesSize = entries[start].namesSize
            for index in start..<end {
                do throws(InvalidRequest) {
                    if index == start { try checkNames(entries[index]) }
                    try check(entries[index].event.metadata)
                    try InvalidRequest.limit(.payloadBytes, entries[index].event.payload.count, payloadBytes)
                    guard isSingle || ids.insert(index, of: entries) else {
                        throw InvalidRequest(.repeatedID(entries[index].event.id))
                    }
                } catch {
                    throw error.at(index)
                }
                bytes += namesSize + entries[index].event.contentsSize
                try InvalidRequest.limit(.batchBytes, bytes, batchBytes)
            }
            start = end
        }
    }

    private func checkNames(_ entry: AppendRequest.Entry) throws(InvalidRequest) {
        let event = entry.event
        if let stream = entry.stream { try check(stream, .stream, streamBytes) }
        try check(event.type, .type, typeBytes)
        try check(event.contentType, .contentType, typeBytes)
        try InvalidRequest.limit(.tags, event.tags.count, tags)
        for tag in event.tags { try check(tag, .tag, tagBytes) }
    }

    private func check(_ metadata: Metadata) throws(InvalidRequest) {
        if metadata.isEmpty { return }
        try InvalidRequest.limit(.metadataBytes, metadata.bytes.count, metadataBytes)
        for (key, _) in metadata.entries { try check(text: key, .metadataKey, metadataBytes) }
    }

    private func check(
        _ name: some Name, _ subject: InvalidRequest.Subject, _ limit: Int
    ) throws(InvalidRequest) {
        try check(text: name.text, subject, limit)
    }

    /// Checks that a name is not empty, not too long, and has no characters below U+0020 or from U+007F to U+009F.
    private func check(
        text: String, _ subject: InvalidRequest.Subject, _ limit: Int
    ) throws(InvalidRequest) {
        let count = text.utf8.count
        if count == 0 { throw InvalidRequest(.emptyName(subject)) }
        var text = text
        // Only as many bytes are searched as a name may have.
        let hasControl = text.withUTF8 { Self.hasControlCharacter(.init(rebasing: $0.prefix(max(0, limit)))) }
        if hasControl { throw InvalidRequest(.controlCharacter(subject)) }
        if count > limit { throw InvalidRequest(.nameTooLong(subject, bytes: count, limit: limit)) }
    }

    private static func hasControlCharacter(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for byte in bytes {
            if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return true }
            previous = byte
        }
        return false
    }
}

/// The ids of the events of a batch, to find one that occurs twice. A `Set` takes several times as long.
private struct BatchIDs {
    /// The numbers of events, from 1, at the places that their ids have; 0 is a free place.
    private var numbers: [UInt32]
    private let mask: Int
    private let seed: UInt64

    /// New in each process, so that no caller can choose ids that have the same place.
    private static let secret = UInt64.random(in: 0 ... .max)

    init(_ count: Int) {
        var size = count == 0 ? 0 : 16
        while size < 2 * count { size *= 2 }
        (numbers, mask, seed) = (Array(repeating: 0, count: size), size - 1, Self.secret)
    }

    /// Adds the id of an event; returns `false` if an earlier event has it.
    mutating func insert(_ index: Int, of entries: UnsafeBufferPointer<AppendRequest.Entry>) -> Bool {
        let id = entries[index].event.id
        let hash = SplitMix64.mix(SplitMix64.mix(id.high ^ seed) &+ id.low)
        var place = Int(truncatingIfNeeded: hash) & mask
        while numbers[place] > 0 {
            if entries[Int(numbers[place]) - 1].event.id == id { return false }
            place = (place + 1) & mask
        }
        numbers[place] = UInt32(truncatingIfNeeded: index + 1)
        return true
    }
}
