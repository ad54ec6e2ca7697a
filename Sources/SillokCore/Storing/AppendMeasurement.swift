/// What an append took and what became of it, as the store saw it.
public struct AppendMeasurement: Sendable {
    /// How many events the request has.
    public let events: Int

    /// How long it took.
    public let time: Duration

    /// Why it stored nothing, or may have; `nil`: the events are stored.
    public let error: (any Error)?

    /// A measurement of one append.
    public init(events: Int, time: Duration, error: (any Error)?) {
        self.events = events
        self.time = time
        self.error = error
    }
}

/// Those that are told what becomes of the appends of a store. Safe to use from any thread.
package final class AppendObservers: Sendable {
    /// A type of its own: a function that lies in a generic place by itself is wrapped again at each look.
    private struct Observer {
        let observe: @Sendable (AppendMeasurement) -> Void
    }

    private let observers = Lock([Observer]())

    package init() {}

    /// Has every append told from now on.
    package func add(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) {
        observers.withLock { $0.append(Observer(observe: observe)) }
    }

    /// Runs an append, and tells what became of it.
    package func measure(
        _ request: AppendRequest, _ append: () async throws -> Receipt
    ) async throws -> Receipt {
        let observers = observers.withLock { $0 }
        if observers.isEmpty { return try await append() }
        let clock = ContinuousClock()
        let start = clock.now
        func tell(_ error: (any Error)?) {
            let measurement = AppendMeasurement(
                events: request.entries.count, time: start.duration(to: clock.now), error: error)
            for observer in observers { observer.observe(measurement) }
        }
        do {
            let receipt = try await append()
            tell(nil)
            return receipt
        } catch {
            tell(error)
            throw error
        }
    }
}
