package import SillokCore

/// The measurements of a server over the last 24 hours, in memory of a fixed size.
///
/// Three rings hold the values of 10 minutes by the second, of an hour by ten seconds and of 24 hours by two minutes.
/// Each computes its quantiles from the counters of its own interval, so that a p99 of two minutes is not made of other
/// p99s. Together the rings hold at most 67,200 bytes.
package final class MetricsHistory: Sendable {
    /// What a server has counted since it started.
    package struct Totals: Sendable {
        var appends, events, reads, failures: UInt64
        var times: Histogram

        package init(appends: UInt64, events: UInt64, reads: UInt64, failures: UInt64, times: Histogram) {
            (self.appends, self.events, self.reads, self.failures) = (appends, events, reads, failures)
            self.times = times
        }
    }

    /// The values of an interval.
    package struct Point: Hashable, Sendable {
        package let at: Timestamp
        /// The seconds during which the values were measured: less than the interval when the server started in it.
        package let seconds: Double
        package let appends, events, reads, failures: UInt64
        package let median, p99: Double?
        /// The largest lag of a projection.
        package let lagSeconds: Double
    }

    /// The time range of a chart.
    package enum Window: String, CaseIterable, Sendable {
        case fiveMinutes = "5m"
        case hour = "1h"
        case day = "24h"

        package var seconds: Int {
            switch self {
            case .fiveMinutes: 300
            case .hour: 3600
            case .day: 86_400
            }
        }

        /// The length of an interval in seconds.
        package var step: Int {
            switch self {
            case .fiveMinutes: 1
            case .hour: 10
            case .day: 120
            }
        }
    }

    private let rings = Lock(MetricsRing.all)

    package init() {}

    /// The bytes that all rings hold when they are full.
    package static let bytes = MetricsRing.all.reduce(0) { $0 + $1.limit } * MemoryLayout<MetricsRing.Slot>.stride

    /// Adds the measurements since the last call.
    ///
    /// If the clock was set back, the values of times that are now in the future are dropped. If it was set forward,
    /// the interval counts as three steps at most, and the charts have a gap.
    package func record(_ totals: Totals, lagSeconds: Double, at now: Timestamp) {
        rings.withLock { rings in
            for index in rings.indices { rings[index].record(totals, lagSeconds: lagSeconds, at: now) }
        }
    }

    /// Returns the values of the time range that ends now, the oldest first.
    package func points(_ window: Window, until now: Timestamp) -> [Point] {
        points(step: window.step, seconds: window.seconds, until: now)
    }

    /// Returns the values of the last seconds, ten minutes at most, the oldest first.
    package func seconds(_ count: Int, until now: Timestamp) -> [Point] {
        points(step: 1, seconds: count, until: now)
    }

    private func points(step: Int, seconds: Int, until now: Timestamp) -> [Point] {
        let first = now.advanced(byMicroseconds: Int64(-seconds) * 1_000_000)
        return rings.withLock { rings in
            let ring = rings.first { $0.step == step }
            return (ring?.points ?? []).filter { $0.at >= first && $0.at <= now }
        }
    }

    /// All values as bytes for a file: a name of the format, the rings, and a checksum.
    package var encoded: [UInt8] { rings.withLock { MetricsRing.encoded($0) } }

    /// Replaces all values with those of a file.
    ///
    /// - Returns: `false` if the file is damaged or of another format. The history is then unchanged.
    package func restore(_ bytes: [UInt8]) -> Bool {
        guard let read = MetricsRing.decoded(bytes) else { return false }
        rings.withLock { $0 = read }
        return true
    }
}
