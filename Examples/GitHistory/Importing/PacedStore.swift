import Sillok

/// A store whose appends wait for something, and that measures them, to say where the time of an import goes.
///
/// A batch is decided while the one before it is on its way to the disk, and yet appended after it.
struct PacedStore: EventStore {
    let store: any EventStore
    let times: Times
    /// What an append waits for; if it fails, so does the append.
    let turn: @Sendable () async throws -> Void

    /// The time spent in a store.
    actor Times {
        private(set) var appending: Duration = .zero
        private(set) var waiting: Duration = .zero
        private(set) var reading: Duration = .zero

        func add(appending: Duration = .zero, waiting: Duration = .zero, reading: Duration = .zero) {
            self.appending += appending
            self.waiting += waiting
            self.reading += reading
        }
    }

    var limits: Limits { store.limits }

    func append(_ request: AppendRequest) async throws -> Receipt {
        let start = ContinuousClock.now
        try await turn()
        let begin = ContinuousClock.now
        let receipt = try await store.append(request)
        await times.add(appending: begin.duration(to: .now), waiting: start.duration(to: begin))
        return receipt
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        let start = ContinuousClock.now
        let batch = try await store.read(request)
        await times.add(reading: start.duration(to: .now))
        return batch
    }

    func storeID() async throws -> StoreID { try await store.storeID() }
    func head() async throws -> Position { try await store.head() }
    func reach(_ position: Position, for query: EventQuery) async throws { try await store.reach(position, for: query) }
    func event(_ id: EventID) async throws -> RecordedEvent? { try await store.event(id) }
    func stream(_ id: StreamID) async throws -> StreamFacts? { try await store.stream(id) }
    func tracking(of source: TrackingSource) async throws -> Tracking? { try await store.tracking(of: source) }
    func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await store.streams(in: category, after: name, limit: limit)
    }
}
