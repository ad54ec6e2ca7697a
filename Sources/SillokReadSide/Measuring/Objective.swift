import SillokCore

/// What a team promises of its projections or appends over a window of time, and how much of it may go wrong.
///
/// ```swift
/// let objective = Objective.lag(p99: .seconds(5), over: .seconds(3600))
/// ```
/// Of the measurements in the window, so many may be worse than the target: that is the error budget.
public struct Objective: Hashable, Sendable, CustomStringConvertible {
    enum Target: Hashable, Sendable {
        case lagTime(Duration)
        case lagEvents(UInt64)
        case appendTime(Duration)
        case appendErrors
        case deadLetters
        case rebuildTime(Duration)
    }

    enum Allowance: Hashable, Sendable {
        /// Of the measurements, so many of one may be bad.
        case share(Double)
        /// So many in the window.
        case count(Int)
    }

    let target: Target
    let allowance: Allowance

    /// The window that is looked at: the time before now.
    public let window: Duration

    /// What is promised, such as `lag p99 < 5.0 seconds over 3600.0 seconds`; its name wherever it is reported.
    public let description: String

    /// 99 of 100 times that a projection is looked at, the oldest event that it has not taken is younger than this.
    public static func lag(p99 target: Duration, over window: Duration) -> Objective {
        Objective(
            target: .lagTime(target), allowance: .share(0.01), window: window,
            description: "lag p99 < \(target) over \(window)")
    }

    /// 99 of 100 times that a projection is looked at, it is less than so many positions behind the log.
    public static func lag(p99Events target: UInt64, over window: Duration) -> Objective {
        Objective(
            target: .lagEvents(target), allowance: .share(0.01), window: window,
            description: "lag p99 < \(target) events over \(window)")
    }

    /// 99 of 100 appends take less than this.
    public static func appends(p99 target: Duration, over window: Duration) -> Objective {
        Objective(
            target: .appendTime(target), allowance: .share(0.01), window: window,
            description: "append p99 < \(target) over \(window)")
    }

    /// Of the appends, at most this share fails by the store's fault: 0.001 is one of a thousand.
    public static func appendErrors(atMost share: Double, over window: Duration) -> Objective {
        Objective(
            target: .appendErrors, allowance: .share(max(share, 0)), window: window,
            description: "append errors <= \(share) over \(window)")
    }

    /// A projection parks at most so many events.
    public static func deadLetters(atMost count: Int, over window: Duration) -> Objective {
        Objective(
            target: .deadLetters, allowance: .count(max(count, 0)), window: window,
            description: "dead letters <= \(count) over \(window)")
    }

    /// Every build comes to the head within this time.
    public static func rebuild(within target: Duration, over window: Duration) -> Objective {
        Objective(
            target: .rebuildTime(target), allowance: .count(0), window: window,
            description: "rebuild < \(target) over \(window)")
    }

    /// Whether a measurement is good or bad for it; `nil`: it does not concern it. Dead letters are counted elsewhere.
    func isGood(_ measured: ObjectiveMonitor.Measured) -> Bool? {
        switch (target, measured) {
        case (.lagTime(let target), .projection(.lag(_, _, let time))): time < target
        case (.lagEvents(let target), .projection(.lag(_, let events, _))): events < target
        case (.appendTime(let target), .store(.append(_, let time, _))): time < target
        case (.appendErrors, .store(.append(_, _, let error))): error?.failure == nil
        case (.rebuildTime(let target), .projection(.rebuild(_, let time))): time < target
        default: nil
        }
    }

    /// What a measurement says, for people.
    func value(of measured: ObjectiveMonitor.Measured) -> String {
        switch (target, measured) {
        case (.lagTime, .projection(.lag(_, _, let time))): "\(time)"
        case (.lagEvents, .projection(.lag(_, let events, _))): "\(events) events"
        case (_, .store(.append(_, let time, _))): "\(time)"
        case (_, .projection(.rebuild(_, let time))): "\(time)"
        case (_, .projection(.deadLetters(_, let count))): "\(count) dead letters"
        default: ""
        }
    }
}

/// How an objective stands for one subject.
public struct ObjectiveStatus: Hashable, Sendable {
    /// The projection, or `store`.
    public let subject: String
    /// The objective.
    public let objective: Objective
    /// The last measurement, for people.
    public let measured: String
    /// How many measurements of the window were good, and how many bad.
    public let good: Int, bad: Int
    /// How much of the error budget is left: 1 is all of it, below 0 the objective is broken.
    public let budgetLeft: Double
    /// How fast the budget is used up in the last twelfth of the window: at 1 it lasts for just a window.
    public let burnRate: Double
    /// Whether the budget lasts.
    public var isMet: Bool { budgetLeft >= 0 }
    /// Whether an alarm is due: the last twelfth of the window burns 6 times too fast, and the last quarter 2 times.
    public let isBurning: Bool
}

/// Good and bad measurements of a window of time, in sixty buckets: its memory does not grow.
struct ObjectiveWindow: Sendable {
    private static let buckets = 60

    let objective: Objective
    private var counts = Array(repeating: (good: 0, bad: 0), count: buckets)
    /// The number of the newest bucket, counted from 1970.
    private var newest: Int64?
    private let width: Int64

    init(_ objective: Objective) {
        self.objective = objective
        width = max(1, objective.window.wholeMicroseconds / Int64(Self.buckets))
    }

    /// Counts measurements at a time in microseconds; a clock that runs back counts as standing still.
    mutating func record(good: Int = 0, bad: Int = 0, at time: Int64) {
        advance(to: time)
        guard let newest else { return }
        let slot = Int(truncatingIfNeeded: newest % Int64(Self.buckets))
        counts[slot].good += good
        counts[slot].bad += bad
    }

    mutating func status(_ subject: String, _ measured: String, at time: Int64) -> ObjectiveStatus {
        advance(to: time)
        let all = sum(Self.buckets)
        let twelfth = sum(Self.buckets / 12)
        let quarter = sum(Self.buckets / 4)
        let rate = burn(twelfth, part: 12)
        return ObjectiveStatus(
            subject: subject, objective: objective, measured: measured, good: all.good, bad: all.bad,
            budgetLeft: 1 - burn(all, part: 1), burnRate: rate,
            isBurning: rate >= 6 && burn(quarter, part: 4) >= 2)
    }

    /// How fast a part of the window uses up the budget.
    private func burn(_ count: (good: Int, bad: Int), part: Double) -> Double {
        if count.bad == 0 { return 0 }
        switch objective.allowance {
        case .share(let share):
            let found = Double(count.bad) / Double(count.good + count.bad)
            return share > 0 ? found / share : 1000
        case .count(let allowed): return allowed > 0 ? Double(count.bad) * part / Double(allowed) : 1000
        }
    }

    private func sum(_ buckets: Int) -> (good: Int, bad: Int) {
        guard let newest else { return (0, 0) }
        var sum = (good: 0, bad: 0)
        for back in 0..<Int64(buckets) where newest >= back {
            let slot = Int(truncatingIfNeeded: (newest - back) % Int64(Self.buckets))
            sum.good += counts[slot].good
            sum.bad += counts[slot].bad
        }
        return sum
    }

    private mutating func advance(to time: Int64) {
        let bucket = max(0, time) / width
        guard let last = newest else {
            newest = bucket
            return
        }
        guard bucket > last else { return }
        for number in max(last + 1, bucket - Int64(Self.buckets) + 1)...bucket {
            counts[Int(truncatingIfNeeded: number % Int64(Self.buckets))] = (0, 0)
        }
        newest = bucket
    }
}
