import SillokCore

/// A service-level objective for projections, processes or appends over a window of time, with an error budget.
///
/// ```swift
/// let objective = Objective.lag(p99: .seconds(5), over: .seconds(3600))
/// ```
/// The error budget is the share, or the number, of measurements in the window that may miss the target.
public struct Objective: Hashable, Sendable, CustomStringConvertible {
    enum Target: Hashable, Sendable {
        case lagTime(Duration)
        case lagEvents(UInt64)
        case appendTime(Duration)
        case appendErrors
        case deadLetters
        case rebuildTime(Duration)
        case stepTime(Duration)
        case lateness(Duration)
        case parked(Int)
        case unknownOutcomes(Int)
    }

    enum Allowance: Hashable, Sendable {
        /// The share of all measurements that may be bad, from 0 to 1.
        case share(Double)
        /// The number of bad measurements that the window may contain.
        case count(Int)
    }

    let target: Target
    let allowance: Allowance

    /// Whether any measurement may be bad.
    var hasBudget: Bool {
        switch allowance {
        case .share(let share): share > 0
        case .count(let count): count > 0
        }
    }

    /// The length of the window. Older measurements are not counted.
    public let window: Duration

    /// The objective as a text, such as `lag p99 < 5.0 seconds over 3600.0 seconds`. It is the objective's name in
    /// reports.
    public let description: String

    /// Returns the objective that in 99 of 100 measurements the oldest unhandled event of a projection is younger than
    /// `target`.
    public static func lag(p99 target: Duration, over window: Duration) -> Objective {
        promise(.lagTime(target), .share(0.01), "lag p99 < \(target)", over: window)
    }

    /// Returns the objective that in 99 of 100 measurements a projection is fewer than `target` positions behind the
    /// log.
    public static func lag(p99Events target: UInt64, over window: Duration) -> Objective {
        promise(.lagEvents(target), .share(0.01), "lag p99 < \(target) events", over: window)
    }

    /// Returns the objective that 99 of 100 appends take less than `target`.
    public static func appends(p99 target: Duration, over window: Duration) -> Objective {
        promise(.appendTime(target), .share(0.01), "append p99 < \(target)", over: window)
    }

    /// Returns the objective that at most `share` of all appends fails because of the store: 0.001 is one in a
    /// thousand.
    public static func appendErrors(atMost share: Double, over window: Duration) -> Objective {
        promise(.appendErrors, .share(max(share, 0)), "append errors <= \(share)", over: window)
    }

    /// Returns the objective that a projection parks at most `count` events.
    public static func deadLetters(atMost count: Int, over window: Duration) -> Objective {
        promise(.deadLetters, .count(max(count, 0)), "dead letters <= \(count)", over: window)
    }

    /// Returns the objective that every build reaches the head of the log within `target`.
    public static func rebuild(within target: Duration, over window: Duration) -> Objective {
        promise(.rebuildTime(target), .count(0), "rebuild < \(target)", over: window)
    }

    /// Returns the objective that in 99 of 100 measurements the oldest input, request or effect of a process that is
    /// not done is younger than `target`.
    public static func steps(p99 target: Duration, over window: Duration) -> Objective {
        promise(.stepTime(target), .share(0.01), "steps p99 < \(target)", over: window)
    }

    /// Returns the objective that in 99 of 100 measurements no deadline of a process is late by `target` or more.
    public static func deadlines(p99 target: Duration, over window: Duration) -> Objective {
        promise(.lateness(target), .share(0.01), "deadline lateness p99 < \(target)", over: window)
    }

    /// Returns the objective that in 99 of 100 measurements at most `count` instances of a process are parked.
    public static func parkedInstances(atMost count: Int, over window: Duration) -> Objective {
        promise(.parked(max(count, 0)), .share(0.01), "parked instances <= \(count)", over: window)
    }

    /// Returns the objective that in 99 of 100 measurements the outcome of at most `count` effects of a process is
    /// unknown.
    public static func unknownOutcomes(atMost count: Int, over window: Duration) -> Objective {
        promise(.unknownOutcomes(max(count, 0)), .share(0.01), "unknown outcomes <= \(count)", over: window)
    }

    private static func promise(
        _ target: Target, _ allowance: Allowance, _ words: String, over window: Duration
    ) -> Objective {
        Objective(
            target: target, allowance: allowance, window: window, description: "\(words) over \(window)")
    }

    /// Returns whether a measurement is good or bad, or `nil` if it does not concern the objective. Dead letters are
    /// counted elsewhere.
    func isGood(_ measured: ObjectiveMonitor.Measured) -> Bool? {
        switch (target, measured) {
        case (.lagTime(let target), .projection(.lag(_, _, let time))): time < target
        case (.lagEvents(let target), .projection(.lag(_, let events, _))): events < target
        case (.appendTime(let target), .store(.append(let append))): append.time < target
        case (.appendErrors, .store(.append(let append))): append.error?.failure == nil
        case (.rebuildTime(let target), .projection(.rebuild(_, let time))): time < target
        case (.stepTime(let target), .process(let process)): process.oldestStep < target
        case (.lateness(let target), .process(let process)): process.lateness < target
        case (.parked(let count), .process(let process)): process.instances["parked"] ?? 0 <= count
        case (.unknownOutcomes(let count), .process(let process)): process.unknown <= count
        default: nil
        }
    }

    /// Returns the value of a measurement as a text for people.
    ///
    /// - Parameter counts: the good and bad measurements in the window, with this one.
    func value(of measured: ObjectiveMonitor.Measured, in counts: (good: Int, bad: Int)) -> String {
        switch (target, measured) {
        case (.lagTime, .projection(.lag(_, _, let time))): "\(time)"
        case (.lagEvents, .projection(.lag(_, let events, _))): "\(events) events"
        case (.appendErrors, .store(.append(let append))):
            "\(counts.bad) of \(counts.good + counts.bad) appends failed"
                + (append.error?.failure.map { ": \($0.message)" } ?? "")
        case (_, .store(.append(let append))): "\(append.time)"
        case (_, .projection(.rebuild(_, let time))): "\(time)"
        case (_, .projection(.deadLetters(_, let count))): "\(count) dead letters"
        case (.stepTime, .process(let process)): "\(process.oldestStep)"
        case (.lateness, .process(let process)): "\(process.lateness)"
        case (.parked, .process(let process)): "\(process.instances["parked"] ?? 0) parked"
        case (.unknownOutcomes, .process(let process)): "\(process.unknown) unknown"
        default: ""
        }
    }
}

/// The status of an objective for one subject.
public struct ObjectiveStatus: Hashable, Sendable {
    /// The projection, the process as `process:checkout`, or `store`.
    public let subject: String
    /// The objective that was measured.
    public let objective: Objective
    /// The last measurement, as a text for people.
    public let measured: String
    /// The number of good and of bad measurements in the window.
    public let good: Int, bad: Int
    /// The share of the error budget that is left: 1 is all of it; below 0 the objective is broken. An objective that
    /// allows nothing has no budget, so the value is 1 or -1.
    public let budgetLeft: Double
    /// How fast the budget was used in the last twelfth of the window. At 1 it lasts for exactly one window.
    public let burnRate: Double
    /// Whether no more than the error budget is used.
    public var isMet: Bool { budgetLeft >= 0 }
    /// Whether an alarm is due: the budget was used 6 times too fast in the last twelfth of the window, and 2 times too
    /// fast in the last quarter.
    public let isBurning: Bool
}

/// The good and bad measurements of a window of time, in sixty buckets, so that its memory does not grow.
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

    /// The counts as text, to be kept: the number of the newest bucket, and `age:good:bad` of each one that has any.
    var text: String {
        guard let newest else { return "" }
        let parts = (0..<Int64(Self.buckets)).compactMap { age -> String? in
            guard newest >= age else { return nil }
            let count = counts[Int(truncatingIfNeeded: (newest - age) % Int64(Self.buckets))]
            return count == (0, 0) ? nil : "\(age):\(count.good):\(count.bad)"
        }
        return (["\(newest)"] + parts).joined(separator: " ")
    }

    /// The counts that were kept as text; `nil` if they cannot be read.
    init?(_ objective: Objective, _ text: String) {
        self.init(objective)
        let parts = text.split(separator: " ")
        guard let first = parts.first, let newest = Int64(first), newest >= 0 else { return nil }
        self.newest = newest
        for part in parts.dropFirst() {
            let numbers = part.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) ?? -1 }
            guard numbers.count == 3, numbers.allSatisfy({ (0...1 << 40).contains($0) }), numbers[0] <= newest,
                numbers[0] < Int64(Self.buckets)
            else { return nil }
            let slot = Int(truncatingIfNeeded: (newest - numbers[0]) % Int64(Self.buckets))
            counts[slot] = (Int(clamping: numbers[1]), Int(clamping: numbers[2]))
        }
    }

    /// Counts what another window of the same objective has counted.
    mutating func add(_ other: ObjectiveWindow) {
        guard let last = other.newest else { return }
        advance(to: last * width)
        guard let newest else { return }
        for age in 0..<Int64(Self.buckets) where last >= age && newest - (last - age) < Int64(Self.buckets) {
            let slot = Int(truncatingIfNeeded: (last - age) % Int64(Self.buckets))
            counts[slot].good += other.counts[slot].good
            counts[slot].bad += other.counts[slot].bad
        }
    }

    /// Counts measurements at a time in microseconds; a clock that runs back counts as standing still.
    mutating func record(good: Int = 0, bad: Int = 0, at time: Int64) {
        advance(to: time)
        guard let newest else { return }
        let slot = Int(truncatingIfNeeded: newest % Int64(Self.buckets))
        counts[slot].good += good
        counts[slot].bad += bad
    }

    /// The good and bad measurements up to the newest one.
    var counted: (good: Int, bad: Int) { sum(Self.buckets) }

    mutating func status(_ subject: String, _ measured: String, at time: Int64) -> ObjectiveStatus {
        advance(to: time)
        let all = counted
        let twelfth = sum(Self.buckets / 12)
        let quarter = sum(Self.buckets / 4)
        let rate = burn(twelfth, part: 12)
        return ObjectiveStatus(
            subject: subject, objective: objective, measured: measured, good: all.good, bad: all.bad,
            budgetLeft: objective.hasBudget || all.bad == 0 ? 1 - burn(all, part: 1) : -1, burnRate: rate,
            isBurning: rate >= 6 && burn(quarter, part: 4) >= 2)
    }

    /// Returns how fast a part of the window uses the budget.
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
