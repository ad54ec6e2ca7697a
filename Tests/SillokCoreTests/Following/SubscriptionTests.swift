import SillokCore
import Testing

@Suite struct SubscriptionTests {
    @Test func `what is there comes first, then what is appended`() async throws {
        let store = LineStore(count: 3)
        var batches = store.subscribe().makeAsyncIterator()
        #expect(try await batches.next()?.events.map(\.position) == [1, 2, 3])
        store.grow()
        let next = try await batches.next()
        #expect(next?.events.map(\.position) == [4] && next?.through == 4)
    }

    @Test func `a batch without events still says how far it looked`() async throws {
        let store = LineStore(count: 3)
        var batches = store.subscribe(to: .types("none")).makeAsyncIterator()
        #expect(try await batches.next() == EventBatch(events: [], through: 3, isEnd: true, head: 3))
    }

    @Test func `a lost wake-up costs one poll interval of the given clock`() async throws {
        let clock = HandClock()
        let store = LineStore(count: 1, isDeaf: true)
        let seen = Lock<[Position]>([])
        let reading = Task {
            for try await event in store.subscribe(pollInterval: .seconds(1), clock: clock).events {
                seen.withLock { $0.append(event.position) }
                if event.position == 2 { return }
            }
        }
        await clock.waitForSleeper()
        store.grow()
        clock.advance(by: .milliseconds(999))
        #expect(seen.withLock { $0 } == [1])
        clock.advance(by: .milliseconds(1))
        try await reading.value
        #expect(seen.withLock { $0 } == [1, 2])
    }

    @Test func `a subscriber of another store is told so`() async throws {
        let store = LineStore(count: 3)
        for subscription in [
            store.subscribe(after: 4), store.subscribe(expecting: StoreID(high: 0, low: 0)),
        ] {
            var batches = subscription.makeAsyncIterator()
            let error = await #expect(throws: StoreError.self) { try await batches.next() }
            #expect(error?.code == .storeChanged)
        }
        var batches = store.subscribe(after: 2, expecting: try await store.storeID()).makeAsyncIterator()
        #expect(try await batches.next()?.events.map(\.position) == [3])
    }

    @Test func `a subscription ends with its task`() async {
        let store = LineStore(count: 1)
        let reading = Task { for try await _ in store.subscribe() {} }
        await Task.yield()
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
    }

    @Test func `pages end at the head that the first one saw`() async throws {
        let store = LineStore(count: 5)
        var positions: [Position] = []
        for try await batch in store.pages(ReadRequest(limit: 2)) {
            positions += batch.events.map(\.position)
            store.grow()
        }
        #expect(positions == [1, 2, 3, 4, 5])
        var events: [Position] = []
        for try await event in store.pages(.all).events { events.append(event.position) }
        #expect(events.count == 8)
    }

    @Test func `one event is appended to a stream by the short form`() async throws {
        let receipt = try await LineStore(count: 2).append([EventData(type: "t", text: "{}")], to: "a")
        #expect(receipt.position == 3)
    }
}

/// A line of events that grows by hand: just enough of a store to follow.
private final class LineStore: EventStore {
    let limits = Limits()
    private let line: Lock<[RecordedEvent]>
    private let signal = HeadSignal()
    private let isDeaf: Bool

    init(count: Int, isDeaf: Bool = false) {
        self.isDeaf = isDeaf
        line = Lock([])
        for _ in 0..<count { grow() }
    }

    @discardableResult
    func grow() -> Position {
        let head = line.withLock { line in
            line.append(
                RecordedEvent(
                    position: Position(UInt64(line.count + 1)), stream: "a", revision: Revision(UInt64(line.count + 1)),
                    recordedAt: Timestamp(microsecondsSince1970: 0), data: EventData(type: "t", payload: [])))
            return Position(UInt64(line.count))
        }
        signal.advance(to: head)
        return head
    }

    func storeID() async throws -> StoreID { StoreID(high: 1, low: 1) }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        let head = grow()
        return Receipt(
            firstPosition: head, mark: EventMark(position: head, id: nil), revisions: [:],
            recordedAt: Timestamp(microsecondsSince1970: 0))
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        let events = line.withLock { $0 }
        let head = Position(UInt64(events.count))
        let matching = events.filter { event in
            if let after = request.after?.position, event.position <= after { return false }
            if let before = request.before?.position, event.position >= before { return false }
            return request.query.matches(event)
        }
        let page = Array(matching.prefix(request.limit))
        let isEnd = page.count == matching.count
        let through =
            isEnd ? request.throughAtEnd(last: page.last?.position, head: head) : page[page.count - 1].position
        return EventBatch(events: page, through: through, isEnd: isEnd, head: head)
    }

    func head() async throws -> Position { signal.head }
    func reach(_ position: Position, for query: EventQuery) async throws {
        try await signal.reach(isDeaf ? Position(.max) : position, for: query)
    }
    func event(_ id: EventID) async throws -> RecordedEvent? { nil }
    func stream(_ id: StreamID) async throws -> StreamFacts? { nil }
    func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] { [] }
    func tracking(of source: TrackingSource) async throws -> Tracking? { nil }
}
