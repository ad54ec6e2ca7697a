public import SillokCore

/// A measurement of one call of a store.
public enum StoreMeasurement: Sendable {
    /// An append of a number of events, the time that it took, and why it stored nothing, if it did not.
    case append(events: Int, time: Duration, error: AppendError?)

    /// A page with a number of events was read.
    case read(events: Int, time: Duration)
}

/// A store that measures each append and each page, and passes everything to another store.
public struct MeasuredEventStore: ForwardingEventStore {
    /// The store that is measured.
    public let base: any EventStore

    private let clock: any Clock<Duration>
    private let record: @Sendable (StoreMeasurement) -> Void

    /// Measures a store.
    ///
    /// - Parameters:
    ///   - base: the store that gets all calls.
    ///   - clock: measures the time of a call.
    ///   - record: gets each measurement, on the task of the call; must not block.
    public init(
        _ base: any EventStore, clock: any Clock<Duration> = ContinuousClock(),
        record: @escaping @Sendable (StoreMeasurement) -> Void
    ) {
        self.base = base
        self.clock = clock
        self.record = record
    }

    /// Appends, and measures the time that it takes.
    @discardableResult
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        let time = clock.stopwatch()
        do {
            let receipt = try await base.append(request)
            record(.append(events: request.entries.count, time: time(), error: nil))
            return receipt
        } catch {
            record(.append(events: request.entries.count, time: time(), error: error))
            throw error
        }
    }

    /// Reads a page, and measures the time that it takes.
    public func read(_ request: ReadRequest) async throws -> EventBatch {
        let time = clock.stopwatch()
        let batch = try await base.read(request)
        record(.read(events: batch.events.count, time: time()))
        return batch
    }
}
