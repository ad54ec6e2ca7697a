import Sillok
public import SillokCore
public import SillokProjections
public import SillokSQL
public import Testing

/// A test of a projection: given these events, it gives these rows.
///
/// ```swift
/// try await ProjectionScenario(AccountBalance())
///     .given(.opened(owner: "Ada"), .deposited(cents: 100), on: "account-1")
///     .then("SELECT account, cents FROM account_balance", gives: [["account-1", 100]], in: SQLiteReadModel())
/// ```
/// The events go through a store and a projector, as in production.
public struct ProjectionScenario<Event: Codable & Sendable>: Sendable {
    let projection: AnyProjection
    let entries: [(stream: StreamID?, event: Event, tags: [EventTag])]

    /// Creates a test of a projection that writes SQL.
    public init(_ projection: some Projection<Event>) {
        self.projection = AnyProjection(projection)
        entries = []
    }

    /// Creates a test of a projection of documents.
    public init<Document>(documents projection: some DocumentProjection<Event, Document>) {
        self.projection = AnyProjection(documents: projection)
        entries = []
    }

    private init(kept projection: AnyProjection, _ entries: [(stream: StreamID?, event: Event, tags: [EventTag])]) {
        self.projection = projection
        self.entries = entries
    }

    /// Returns this scenario with further events in a stream, or without a stream.
    public func given(_ events: Event..., on stream: StreamID? = nil, tags: [EventTag] = []) -> ProjectionScenario {
        ProjectionScenario(kept: projection, entries + events.map { (stream, $0, tags) })
    }

    /// Expects the rows that a query gives when all events have been projected into an empty read model.
    ///
    /// - Parameters:
    ///   - query: the query.
    ///   - expected: the values of the rows, in their order.
    ///   - model: an empty read model.
    ///   - sourceLocation: where to report differences.
    /// - Throws: `ProjectionFailure` if an event cannot be projected; the errors of the read model.
    public func then(
        _ query: SQL, gives expected: [[SQLValue]], in model: some ReadModel,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let store = MemoryEventStore()
        for entry in entries { try await store.record(entry.event, to: entry.stream, tags: entry.tags) }
        try await projection.run(store, model, ProjectorOptions(failures: .stop))
        let rows = try await model.rows(query).map(\.values)
        if rows != expected {
            let text = "expected  \(Self.listed(expected))\nfound     \(Self.listed(rows))"
            Issue.record(Comment(rawValue: text), sourceLocation: sourceLocation)
        }
    }

    private static func listed(_ rows: [[SQLValue]]) -> String {
        if rows.isEmpty { return "no row" }
        return rows.map { row in row.map(\.description).joined(separator: ", ") }.joined(separator: "\n          ")
    }
}

/// A projection of either kind, without its type.
struct AnyProjection: Sendable {
    let name: String
    /// Projects what the store has, and returns.
    let run: @Sendable (any EventStore, any ReadModel, ProjectorOptions) async throws -> Void

    init(_ projection: some Projection) {
        name = projection.name
        run = { store, model, options in
            try await Projector(projection, from: store, into: Erased(model), options: options).catchUp()
        }
    }

    init(documents projection: some DocumentProjection) {
        name = projection.name
        run = { store, model, options in
            try await Projector(documents: projection, from: store, into: Erased(model), options: options).catchUp()
        }
    }
}

/// Any read model as one type.
struct Erased: ReadModel {
    let model: any ReadModel

    init(_ model: any ReadModel) { self.model = model }

    func write(_ write: ReadModelWrite) async throws { try await model.write(write) }

    func rows(_ query: SQL, of projection: ProjectionID?) async throws -> [SQLRow] {
        try await model.rows(query, of: projection)
    }
}

extension EventStore {
    /// Appends an event of an enum.
    func record<Event: Codable & Sendable>(_ event: Event, to stream: StreamID?, tags: [EventTag]) async throws {
        try await append([EventCoding<Event>().encode(event, tags: tags)], to: stream)
    }
}
