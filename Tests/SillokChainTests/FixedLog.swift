import Sillok
import SillokChain

/// A log that is what a test makes of it: events and links as they stand in two arrays.
struct FixedLog: ChainedEventStore {
    var limits = Limits()
    var kept: Chain?
    var events: [RecordedEvent]
    var stored: [ChainLink]
    /// Positions at which reading fails, as if a checksum did not match.
    var damaged: Set<Position> = []

    /// Creates an undamaged log of `count` events.
    init(count: Int, pageEvents: Int = 7) async throws {
        let store = MemoryEventStore()
        for number in 0..<count {
            let tags: [EventTag] = number % 3 == 0 ? [EventTag("number", "\(number)")] : []
            let event = EventData(
                type: "counted", tags: tags, metadata: Metadata(actor: "ada"), text: "{\"n\":\(number)}")
            try await store.append([event], to: number % 5 == 0 ? nil : StreamID("count-\(number % 2)"))
        }
        events = try await store.read(.all).events
        kept = Chain(of: try await store.storeID(), from: 1)
        stored = []
        limits.pageEvents = pageEvents
        relink()
    }

    func storeID() async throws -> StoreID { kept?.store ?? StoreID(high: 0, low: 0) }
    func chain() async throws -> Chain? { kept }
    func head() async throws -> Position { events.last?.position ?? .start }

    func links(after position: Position, limit: Int) async throws -> [ChainLink] {
        try limits.checkStreams(in: nil, after: nil, limit: limit)
        return Array(stored.filter { $0.position > position }.prefix(limit))
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        var after = Position.start
        var before = Position(.max)
        if let position = request.after?.position { after = position }
        if let position = request.before?.position { before = position }
        let matching = events.filter { $0.position > after && $0.position < before }
        let page = Array(matching.prefix(request.limit))
        if let position = page.map(\.position).first(where: damaged.contains) {
            throw StoreError(.corrupt, "the event at position \(position) is damaged")
        }
        return EventBatch(
            events: page, through: page.last?.position ?? after, isEnd: page.count == matching.count,
            head: try await head())
    }

    /// The events with other contents at a position.
    mutating func alter(_ position: Position, to text: String = "{}") {
        events = events.map { event in
            guard event.position == position else { return event }
            var data = event.data
            data.payload = Array(text.utf8)
            return event.moved(to: event.position, data)
        }
    }

    /// Computes all links again, as an attacker who knows this library would.
    mutating func relink() {
        guard let kept else { return }
        var last = kept.genesis
        stored = events.map { event in
            last = Chain.link(after: last, to: event)
            return ChainLink(position: event.position, digest: last)
        }
    }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        throw .failed(StoreError(.readOnly, "this log is fixed"))
    }
    func reach(_ position: Position, for query: EventQuery) async throws {}
    func event(_ id: EventID) async throws -> RecordedEvent? { events.first { $0.id == id } }
    func stream(_ id: StreamID) async throws -> StreamFacts? { nil }
    func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] { [] }
    func tracking(of source: TrackingSource) async throws -> Tracking? { nil }
}

extension RecordedEvent {
    func moved(to position: Position, _ data: EventData? = nil) -> RecordedEvent {
        RecordedEvent(
            position: position, stream: stream, revision: revision, recordedAt: recordedAt, tracking: tracking,
            data: data ?? self.data)
    }
}
