/// The observers of the appends of a store. Safe to use from any thread.
package final class AppendObservers: Sendable {
    /// A type of its own: a bare function in a generic container is wrapped again at each access.
    private struct Observer {
        let observe: @Sendable (AppendMeasurement) -> Void
    }

    private let observers = Lock([Observer]())

    package init() {}

    /// Reports every later append to `observe`.
    package func add(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) {
        observers.withLock { $0.append(Observer(observe: observe)) }
    }

    /// Runs an append within a span, and reports its time and outcome. Any error becomes an ``AppendError``.
    package func measure(
        _ request: AppendRequest, _ append: () async throws -> Receipt
    ) async throws(AppendError) -> Receipt {
        try await Spans.within(.append, request.entries.first?.stream?.text ?? "") { () async throws(AppendError) in
            try await measured(request, append)
        }
    }

    private func measured(
        _ request: AppendRequest, _ append: () async throws -> Receipt
    ) async throws(AppendError) -> Receipt {
        let observers = observers.withLock { $0 }
        if observers.isEmpty {
            do { return try await append() } catch { throw AppendError(error) }
        }
        let clock = ContinuousClock()
        let start = clock.now
        func report(_ error: AppendError?) {
            let measurement = AppendMeasurement(
                events: request.entries.count, time: start.duration(to: clock.now), error: error)
            for observer in observers { observer.observe(measurement) }
        }
        do {
            let receipt = try await append()
            report(nil)
            return receipt
        } catch {
            let error = AppendError(error)
            report(error)
            throw error
        }
    }
}
