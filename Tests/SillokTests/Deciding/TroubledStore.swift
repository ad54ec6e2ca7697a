import Sillok

/// A store in memory with trouble on order: what happens before an append, and what its answer becomes.
final class TroubledStore: EventStore {
    enum Trouble: Sendable {
        /// Another writer appends this first.
        case rival(EventData, to: StreamID?)
        /// The append works, but its answer gets lost.
        case lostAnswer
        /// The append does not happen, and the outcome is unknown.
        case lostRequest
        /// The append fails, and that is certain.
        case failure
        /// Something else happens first.
        case first(@Sendable () async throws -> Void)
    }

    let inner = MemoryEventStore()
    private let troubles: Lock<[Trouble]>
    private let log = Lock((reads: [ReadRequest](), appends: [AppendRequest]()))

    init(_ troubles: [Trouble] = []) { self.troubles = Lock(troubles) }

    var reads: [ReadRequest] { log.withLock { $0.reads } }
    var appends: [AppendRequest] { log.withLock { $0.appends } }
    var limits: Limits { inner.limits }

    func add(_ trouble: Trouble) { troubles.withLock { $0.append(trouble) } }

    func append(_ request: AppendRequest) async throws -> Receipt {
        log.withLock { $0.appends.append(request) }
        let trouble = troubles.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        switch trouble {
        case .rival(let event, let stream): try await inner.append([event], to: stream)
        case .lostAnswer:
            _ = try await inner.append(request)
            throw StoreError(.ioFailure, "the answer got lost.", outcome: .unknown)
        case .lostRequest: throw StoreError(.ioFailure, "the request got lost.", outcome: .unknown)
        case .failure: throw StoreError(.full, "no space is left.")
        case .first(let action): try await action()
        case nil: break
        }
        return try await inner.append(request)
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        log.withLock { $0.reads.append(request) }
        return try await inner.read(request)
    }

    func storeID() async throws -> StoreID { try await inner.storeID() }
    func head() async throws -> Position { try await inner.head() }
    func reach(_ position: Position, for query: EventQuery) async throws { try await inner.reach(position, for: query) }
    func event(_ id: EventID) async throws -> RecordedEvent? { try await inner.event(id) }
    func stream(_ id: StreamID) async throws -> StreamFacts? { try await inner.stream(id) }
    func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await inner.streams(in: category, after: name, limit: limit)
    }
    func tracking(of source: TrackingSource) async throws -> Tracking? { try await inner.tracking(of: source) }
}
