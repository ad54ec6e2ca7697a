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
struct RepeatingStore: ForwardingEventStore {
    let base: any EventStore

    func read(_ request: ReadRequest) async throws -> EventBatch {
        let page = try await base.read(request)
        var before: [RecordedEvent] = []
        if let position = request.after?.position, position > .start, request.direction == .forward {
            before = try await base.read(
                ReadRequest(request.query, after: .position(position.previous), before: .position(position.next))
            ).events
        }
        return EventBatch(
            events: before + page.events.flatMap { [$0, $0] }, mark: page.mark, isEnd: page.isEnd, head: page.head)
    }
}
