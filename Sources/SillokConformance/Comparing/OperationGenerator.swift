import SillokCore
import SillokTesting

/// Draws the next operation. Alphabets are small, so that names, ids, positions and revisions meet often.
struct OperationGenerator {
    var random: SeededGenerator
    let canReopen: Bool
    private var nextID = 1
    private var requests: [AppendRequest] = []

    init(seed: UInt64, canReopen: Bool) {
        random = SeededGenerator(seed: seed)
        self.canReopen = canReopen
    }

    private static let streams: [StreamID?] = [nil, "a-1", "a-2", "b-1", "b", "\u{E9}-1", "e\u{301}-1"]
    private static let categories: [StreamCategory] = ["a", "b", "\u{E9}", "e\u{301}", "none"]
    private static let types: [EventType] = ["x", "y", "X"]
    private static let tags: [EventTag] = ["t:1", "t:2", "\u{E9}", "e\u{301}"]
    private static let sources: [TrackingSource] = ["s", "\u{E9}", "e\u{301}"]

    /// The next operation on a store that is where the model is.
    mutating func next(_ model: ReferenceModel, now: Timestamp) -> Operation {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<46: return .append(append(model, now: now))
        case 46..<68: return .read(read(model))
        case 68..<73: return .pages(read(model))
        case 73..<78: return .event(EventID(high: 0, low: UInt64.random(in: 0...UInt64(nextID), using: &random)))
        case 78..<83: return .facts(stream() ?? "none-1")
        case 83..<88: return streams()
        case 88..<91: return .tracking(random.pick(Self.sources, or: "s"))
        case 91..<93: return .head
        case 93..<97 where canReopen: return .reopen
        default: return .turnClock(Int64.random(in: -2000...3000, using: &random))
        }
    }

    // MARK: Appends

    private mutating func append(_ model: ReferenceModel, now: Timestamp) -> AppendRequest {
        if !requests.isEmpty && random.once(in: 4) { return again(model) }
        let count = random.once(in: 3) ? Int.random(in: 2...4, using: &random) : 1
        let same = stream()
        var entries: [AppendRequest.Entry] = []
        for _ in 0..<count {
            let target = random.once(in: 3) ? stream() : same
            entries.append(.init(stream: target, event: event(), recordedAt: givenTime(now)))
        }
        var request = AppendRequest(entries, if: condition(model))
        if random.once(in: 6) { request.tracking = tracking(model) }
        requests.append(request)
        return request
    }

    private mutating func event() -> EventData {
        let id = EventID(high: 0, low: UInt64(nextID))
        nextID += 1
        var metadata = Metadata()
        if random.once(in: 3) { metadata.actor = random.once(in: 2) ? "ada" : "" }
        if random.once(in: 8) { metadata.traceparent = "t" }
        return EventData(
            id: id, type: random.pick(Self.types, or: "x"), tags: someTags(), metadata: metadata,
            contentType: random.once(in: 5) ? .bytes : .json, payload: random.pick([[], [0xFF], [0x7B, 0x7D]], or: []))
    }

    /// A repeated earlier append: the same, or slightly changed.
    private mutating func again(_ model: ReferenceModel) -> AppendRequest {
        guard var request = requests.randomElement(using: &random) else { return AppendRequest([]) }
        let index = Int.random(in: 0..<request.entries.count, using: &random)
        switch Int.random(in: 0..<14, using: &random) {
        case 0: request.entries[index].stream = stream()
        case 1: request.entries[index].event.tags = someTags()
        case 2: request.entries[index].event.payload = [1]
        case 3: request.entries[index].event.metadata = Metadata(actor: "bob")
        case 4: request.entries[index].event.metadata.traceparent = "other"
        case 5: request.tracking = tracking(model)
        case 6: request.entries.append(.init(stream: stream(), event: event()))
        case 7: request.entries.removeLast(request.entries.count > 1 ? 1 : 0)
        case 8: request.entries.shuffle(using: &random)
        case 9: request.entries.append(request.entries[index])
        case 10: request.condition = condition(model)
        case 11: request.entries += requests.randomElement(using: &random)?.entries ?? []
        default: break
        }
        return request
    }

    private mutating func condition(_ model: ReferenceModel) -> AppendCondition {
        var condition = AppendCondition()
        if random.once(in: 3) {
            for _ in 0...Int.random(in: 0...1, using: &random) {
                guard let stream = stream() else { continue }
                let actual = model.revision(of: stream)
                let fresh = Int.random(in: 0..<3, using: &random) > 0
                condition.revisions[stream] = fresh ? actual : Revision(UInt64.random(in: 0...4, using: &random))
            }
        }
        if random.once(in: 3) {
            for _ in 0...Int.random(in: 0...1, using: &random) {
                condition.unchanged.append(.init(query(), seen: mark(model)))
            }
        }
        return condition
    }

    private mutating func tracking(_ model: ReferenceModel) -> Tracking {
        let source = random.pick(Self.sources, or: "s")
        let recorded = model.tracking(of: source)?.position ?? 0
        let up = UInt64.random(in: 0...2, using: &random)
        return Tracking(
            source: source, position: recorded > 0 && random.once(in: 6) ? recorded - 1 : recorded + up,
            event: random.once(in: 2) ? EventID(high: 1, low: up) : nil)
    }

    private mutating func givenTime(_ now: Timestamp) -> Timestamp? {
        random.once(in: 12) ? now.advanced(byMicroseconds: Int64.random(in: -500...1500, using: &random)) : nil
    }

    // MARK: Reads

    private mutating func read(_ model: ReferenceModel) -> ReadRequest {
        let direction: ReadRequest.Direction = random.once(in: 3) ? .backward : .forward
        var request = ReadRequest(
            query(), direction: direction, limit: random.once(in: 3) ? 1000 : Int.random(in: 1...6, using: &random))
        if random.once(in: 2) { request.after = bound(model, request.query) }
        if random.once(in: 3) { request.before = bound(model, request.query) }
        return request
    }

    private mutating func bound(_ model: ReferenceModel, _ query: EventQuery) -> ReadRequest.Bound {
        if query.items.count == 1, query.items.first?.stream != nil, random.once(in: 2) {
            return .revision(Revision(UInt64.random(in: 0...6, using: &random)))
        }
        if random.once(in: 4), let event = model.events.randomElement(using: &random) { return .time(event.recordedAt) }
        return random.once(in: 3) ? .mark(mark(model)) : .position(place(model))
    }

    /// A place with the id of its event, without, or with that of another one.
    private mutating func mark(_ model: ReferenceModel) -> EventMark {
        let place = random.once(in: 2) ? model.head : place(model)
        let event = model.events.first { $0.position == place }
        if random.once(in: 3) { return EventMark(position: place, id: nil) }
        let id = random.once(in: 8) ? model.events.randomElement(using: &random)?.id : event?.id
        return EventMark(position: place, id: place == .start ? nil : id)
    }

    private mutating func place(_ model: ReferenceModel) -> Position {
        if random.once(in: 40) { return Position(.max) }
        return Position(UInt64.random(in: 0...model.head.value + 1, using: &random))
    }

    private mutating func query() -> EventQuery {
        if random.once(in: 5) { return .all }
        return EventQuery((0..<Int.random(in: 0..<20, using: &random) % 4).map { _ in item() })
    }

    private mutating func item() -> EventQuery.Item {
        var item = EventQuery.Item()
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1: item.stream = stream()
        case 2: item.category = random.pick(Self.categories, or: "a")
        default: break
        }
        if random.once(in: 3) { item.types = [random.pick(Self.types, or: "x")] }
        if random.once(in: 6) { item.types.append(random.pick(Self.types, or: "x")) }
        if random.once(in: 2) { item.tags = someTags() }
        return item
    }

    private mutating func streams() -> Operation {
        let category = random.once(in: 2) ? random.pick(Self.categories, or: "a") : nil
        return .streams(
            category, after: random.once(in: 2) ? stream() : nil, limit: Int.random(in: 1...5, using: &random))
    }

    private mutating func stream() -> StreamID? { random.pick(Self.streams, or: nil) }

    private mutating func someTags() -> [EventTag] {
        (0..<Int.random(in: 0...3, using: &random)).map { _ in random.pick(Self.tags, or: "t:1") }
    }
}
