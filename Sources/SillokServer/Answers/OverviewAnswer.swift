import SillokAPI
import SillokCore
import SillokService

// The overall status, for a page that polls every second.
extension API {
    struct Overview: Message {
        let store: String, kind: String?
        let replica: Replica?
        let head: Position
        let at: Timestamp
        let bytes, memoryBytes: UInt64?
        let requests, connections: Int
        let shed: UInt64
        let append: Appends
        let groupMean: Measure
        let syncMedian, syncP99: Measure?
        let seconds: [Second]
        let subscriptions: [Subscription]
        let hasReadModel: Bool
        let projections: [Projection]
        let objectives: [Objective]
        let processes: [ProcessFigures]
    }

    /// Appends since the server started.
    struct Appends: Message {
        let requests, events, conflicts, refusals, failures: UInt64
        let median, p99: Measure?

        init(_ append: ServerMetrics.Append) {
            (requests, events) = (append.requests, append.events)
            (conflicts, refusals, failures) = (append.conflicts, append.refusals, append.failures)
            (median, p99) = (
                append.seconds.quantile(0.5).map(Measure.init), append.seconds.quantile(0.99).map(Measure.init)
            )
        }
    }

    /// The values of a time range, for charts.
    struct Measurements: Message {
        let at: Timestamp
        /// The length of the time range, and of an interval in it.
        let rangeSeconds, stepSeconds: Int
        let points: [Second]
    }

    /// What happened in an interval, of which `seconds` were measured.
    struct Second: Message {
        let at: Timestamp
        let seconds: Measure
        let appends, events, reads, failures: UInt64
        let median, p99: Measure?
        let lagSeconds: Measure

        init(_ point: MetricsHistory.Point) {
            (at, seconds, appends, events) = (point.at, Measure(point.seconds), point.appends, point.events)
            (reads, failures) = (point.reads, point.failures)
            (median, p99) = (point.median.map(Measure.init), point.p99.map(Measure.init))
            lagSeconds = Measure(point.lagSeconds)
        }
    }

    /// An open subscription.
    struct Subscription: Message {
        let principal, query: String
        let since: Timestamp
        let position: Position
        let behind: UInt64

        init(_ follower: Admission.Follower, head: Position) {
            (principal, query, since) = (follower.principal, follower.query, follower.since)
            (position, behind) = (follower.position, follower.lag(behind: head))
        }
    }
}

extension API.Replica {
    init(_ lag: ReplicaLag) { self.init(events: lag.events, seconds: lag.time.map { Measure($0.seconds) }) }
}
