import Sillok
import SillokCore
import SillokSQL

/// A read model that breaks off once, at the write of a number.
struct BreakingModel: ReadModel {
    struct Broken: Error {}

    enum Kind: String, CaseIterable {
        case before = "broken off before"
        case after = "broken off after, with a lost answer,"
        case repeated = "repeated"
    }

    private let model: any ReadModel
    private let kind: Kind
    private let step: Int
    private let writes = Lock(0)

    init(_ model: any ReadModel, _ kind: Kind, at step: Int) {
        self.model = model
        self.kind = kind
        self.step = step
    }

    /// Whether there were enough writes for the interruption to happen.
    var hasBroken: Bool { writes.withLock { $0 } > step }

    func write(_ write: ReadModelWrite) async throws {
        let number = writes.withLock { count in
            defer { count += 1 }
            return count
        }
        guard number == step else { return try await model.write(write) }
        if kind == .before { throw Broken() }
        try await model.write(write)
        if kind == .after { throw Broken() }
        // A repeated write is refused by its conditions; one without conditions may be repeated.
        do {
            try await model.write(write)
        } catch is ConditionFailed {}
    }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await model.rows(query, of: projection)
    }
}

/// A store that gives the last event before each page again, and each event of it twice.
struct RepeatingStore: EventStore {
    let store: any EventStore

    var limits: Limits { store.limits }

    func storeID() async throws -> StoreID { try await store.storeID() }

    func append(_ request: AppendRequest) async throws -> Receipt { try await store.append(request) }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        let page = try await store.read(request)
        var before: [RecordedEvent] = []
        if let position = request.after?.position, position > .start, request.direction == .forward {
            before = try await store.read(
                ReadRequest(request.query, after: .position(position.previous), before: .position(position.next))
            ).events
        }
        return EventBatch(
            events: before + page.events.flatMap { [$0, $0] }, mark: page.mark, isEnd: page.isEnd, head: page.head)
    }

    func head() async throws -> Position { try await store.head() }

    func reach(_ position: Position, for query: EventQuery) async throws { try await store.reach(position, for: query) }

    func event(_ id: EventID) async throws -> RecordedEvent? { try await store.event(id) }

    func stream(_ id: StreamID) async throws -> StreamFacts? { try await store.stream(id) }

    func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await store.streams(in: category, after: name, limit: limit)
    }

    func tracking(of source: TrackingSource) async throws -> Tracking? { try await store.tracking(of: source) }
}
