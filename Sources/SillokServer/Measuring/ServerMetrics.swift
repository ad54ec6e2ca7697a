import Sillok
import SillokCore
import SillokReadSide

/// The counters and measurements of a server.
final class ServerMetrics: Sendable {
    struct Append: Sendable {
        var requests: UInt64 = 0
        var events: UInt64 = 0
        var conflicts: UInt64 = 0
        var refusals: UInt64 = 0
        var failures: UInt64 = 0
        var seconds = Histogram.seconds

        /// Appends that stored nothing.
        var bad: UInt64 { conflicts + refusals + failures }
    }

    struct Requests: Sendable {
        var byStatus: [Int: UInt64] = [:]
        var seconds = Histogram.seconds
    }

    struct State: Sendable {
        var append = Append()
        var requests: [ServerOperation: Requests] = [:]
        var eventsRead: UInt64 = 0
        var shed: UInt64 = 0
        /// Connections that were cut because their reader took nothing.
        var stalled: UInt64 = 0
        var groupSizes = Histogram.sizes
        var syncSeconds = Histogram.seconds
        var logBytes: Int?
        var connections = 0
        var connectionsEver: UInt64 = 0
    }

    private let state = Lock(State())

    /// The current values.
    var current: State { state.withLock { $0 } }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func request(_ operation: ServerOperation, status: Int, took time: Duration) {
        state.withLock { state in
            state.requests[operation, default: Requests()].byStatus[status, default: 0] += 1
            state.requests[operation]?.seconds.record(time.seconds)
        }
    }

    /// Counts a commit of a store.
    func commit(_ commit: CommitMeasurement) {
        state.withLock { state in
            state.groupSizes.record(Double(commit.appends))
            state.syncSeconds.record(commit.syncTime.seconds)
            state.logBytes = commit.logBytes
        }
    }

    /// Counts what a store was asked for.
    func record(_ measurement: StoreMeasurement) {
        switch measurement {
        case .append(let append):
            state.withLock { state in
                state.append.requests += 1
                state.append.seconds.record(append.time.seconds)
                switch append.error {
                case nil: state.append.events += UInt64(clamping: append.events)
                case .conflict, .knownID, .tracking: state.append.conflicts += 1
                case .invalid, .refused: state.append.refusals += 1
                case .failed(let failure):
                    if failure.code.isRefusal { state.append.refusals += 1 } else { state.append.failures += 1 }
                }
            }
        case .read(0, _): return
        case .read(let events, _): change { $0.eventsRead += UInt64(events) }
        }
    }
}

extension StoreError.Code {
    /// Whether an append with this failure counts as refused: its sender is at fault, not the store.
    fileprivate var isRefusal: Bool {
        switch self {
        case .refused: true
        case .locked, .readOnly, .notFound, .unsupportedFormat, .full, .ioFailure, .corrupt, .invalidQuery, .cancelled,
            .closed, .unavailable, .accessDenied, .storeChanged, .tooExpensive, .overloaded, .fileReplaced:
            false
        }
    }
}
