import SillokAPI
import SillokCore
import SillokService

// The overall status, for a page that polls every second.
extension API {
    struct Overview: Message {
        let store: String
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

    /// What happened in a second.
    struct Second: Message {
        let at: Timestamp
        let appends, events, reads, failures: UInt64
        let median, p99: Measure?
        let lagSeconds: Measure

        init(_ second: History.Second) {
            (at, appends, events) = (second.at, second.appends, second.events)
            (reads, failures) = (second.reads, second.failures)
            (median, p99) = (second.median.map(Measure.init), second.p99.map(Measure.init))
            lagSeconds = Measure(second.lagSeconds)
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
