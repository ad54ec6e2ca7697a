import Sillok

/// A store whose appends wait for something, and that measures them, to say where the time of an import goes.
///
/// A batch is decided while the one before it is on its way to the disk, and yet appended after it.
struct PacedStore: ForwardingEventStore {
    let base: any EventStore
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

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        let start = ContinuousClock.now
        do {
            try await turn()
        } catch {
            throw .failed(StoreError(.cancelled, "the batch before this one was not recorded: \(error)", cause: error))
        }
        let begin = ContinuousClock.now
        let receipt = try await base.append(request)
        await times.add(appending: begin.duration(to: .now), waiting: start.duration(to: begin))
        return receipt
    }

    func read(_ request: ReadRequest) async throws -> EventBatch {
        let start = ContinuousClock.now
        let batch = try await base.read(request)
        await times.add(reading: start.duration(to: .now))
        return batch
    }
}
