public import SillokCore

/// A measurement of one call of a store.
public enum StoreMeasurement: Sendable {
    /// An append. If the store reports its appends, this includes appends that were not made through the measured
    /// store.
    case append(AppendMeasurement)

    /// A page with a number of events was read.
    case read(events: Int, time: Duration)
}

/// A store that measures each append and each page, and passes everything to another store.
public struct MeasuredEventStore: ForwardingEventStore {
    /// The store that is measured.
    public let base: any EventStore

    private let record: @Sendable (StoreMeasurement) -> Void
    /// Measure the appends of a store that does not report them.
    private let observers = AppendObservers()

    /// Measures a store.
    ///
    /// If the store reports its appends, all appends of the process are measured, wherever they come from.
    /// - Parameters:
    ///   - base: the store that gets all calls.
    ///   - record: gets each measurement, on the task of the call; must not block.
    public init(_ base: any EventStore, record: @escaping @Sendable (StoreMeasurement) -> Void) {
        self.base = base
        self.record = record
        if !base.observeAppends({ record(.append($0)) }) { observers.add { record(.append($0)) } }
    }

    /// Appends, and measures the time that it takes.
    @discardableResult
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        try await observers.measure(request) { try await base.append(request) }
    }

    /// Reports every later append of the store that is measured.
    public func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool {
        base.observeAppends(observe)
    }

    /// Reads a page, and measures the time that it takes.
    public func read(_ request: ReadRequest) async throws -> EventBatch {
        let start = ContinuousClock.now
        let batch = try await base.read(request)
        record(.read(events: batch.events.count, time: start.duration(to: .now)))
        return batch
    }
}

extension MeasuredEventStore: ByteReadableStore {
    package func readBytes<Output: Sendable>(
        _ request: ReadRequest, _ make: @escaping @Sendable (PageReading) throws -> Output
    ) async throws -> Output {
        let start = ContinuousClock.now
        let (output, events) = try await base.readPage(request) { read in
            var events = 0
            let output = try make { add in
                try withoutActuallyEscaping(add) { add in
                    try read { event in
                        events += 1
                        return try add(event)
                    }
                }
            }
            return (output, events)
        }
        record(.read(events: events, time: start.duration(to: .now)))
        return output
    }
}
