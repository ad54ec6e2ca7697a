import SillokCore
import SillokService

/// The measurements of a server for each second of the last ten minutes, for charts.
final class History: Sendable {
    struct Second: Sendable {
        let at: Timestamp
        let appends: UInt64
        let events: UInt64
        let reads: UInt64
        let failures: UInt64
        let median: Double?
        let p99: Double?
        /// The lag of the projection that is furthest behind.
        let lagSeconds: Double
    }

    private struct State {
        var seconds: [Second] = []
        var last: ServerMetrics.State?
    }

    private static let limit = 600
    private let state = Lock(State())

    /// Adds the measurements since the last call.
    func take(_ metrics: ServerMetrics.State, lagSeconds: Double, at now: Timestamp) {
        state.withLock { state in
            defer { state.last = metrics }
            guard let last = state.last else { return }
            let times = metrics.append.seconds.since(last.append.seconds)
            state.seconds.append(
                Second(
                    at: now, appends: metrics.append.requests &- last.append.requests,
                    events: metrics.append.events &- last.append.events,
                    reads: metrics.eventsRead &- last.eventsRead,
                    failures: metrics.append.failures &- last.append.failures, median: times.quantile(0.5),
                    p99: times.quantile(0.99), lagSeconds: lagSeconds))
            if state.seconds.count > Self.limit { state.seconds.removeFirst(state.seconds.count - Self.limit) }
        }
    }

    /// Returns the last seconds, the oldest first.
    func seconds(_ count: Int) -> [Second] { state.withLock { Array($0.seconds.suffix(count)) } }
}
