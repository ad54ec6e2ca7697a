public import SillokCore

/// A problem that needs attention, or the end of one.
public struct Alarm: Hashable, Sendable, CustomStringConvertible {
    /// The kind of problem.
    public enum Kind: Hashable, Sendable {
        /// The error budget of an objective is being used too fast.
        case burning(Objective)
        /// The error budget of an objective is used up.
        case broken(Objective)
        /// A projection has stopped.
        case stopped
    }

    /// The projection, or `store`.
    public let subject: String
    /// The kind of problem.
    public let kind: Kind
    /// Whether the problem begins; `false` if it is over.
    public let isRaised: Bool
    /// The measurement, or the reason why the projection stopped.
    public let detail: String

    /// What happened, in a sentence.
    public var description: String {
        let text =
            switch kind {
            case .burning(let objective): "uses up the budget of \"\(objective)\" too fast"
            case .broken(let objective): "does not keep \"\(objective)\""
            case .stopped: "stopped"
            }
        return isRaised ? "\(subject) \(text): \(detail)" : "over: \(subject) \(text)"
    }
}

/// A monitor of objectives. It receives measurements, returns the status of each objective, and raises an alarm when
/// one begins to break and another when that is over.
public final class ObjectiveMonitor: Sendable {
    private struct Key: Hashable {
        let subject: ExactText
        let objective: Objective
    }

    private struct State {
        var windows: [Key: (window: ObjectiveWindow, measured: String)] = [:]
        var deadLetters: [ExactText: Int] = [:]
        var raised: [ExactText: Set<Alarm.Kind>] = [:]
    }

    private let objectives: [Objective]
    private let clock: WallClock
    private let onMeasurement: @Sendable (Measurement) -> Void
    private let onAlarm: @Sendable (Alarm) -> Void
    private let state = Lock(State())

    /// Creates a monitor of objectives.
    ///
    /// - Parameters:
    ///   - objectives: the objectives for every subject that they concern.
    ///   - clock: the clock for the times of measurements.
    ///   - onMeasurement: called with every measurement, for example to export metrics; must not block.
    ///   - onAlarm: called with every alarm, once when it is raised and once when it is over; must not block.
    public init(
        _ objectives: [Objective], clock: WallClock = .system,
        onMeasurement: @escaping @Sendable (Measurement) -> Void = { _ in },
        onAlarm: @escaping @Sendable (Alarm) -> Void
    ) {
        self.objectives = objectives
        self.clock = clock
        self.onMeasurement = onMeasurement
        self.onAlarm = onAlarm
    }

    /// Records a measurement.
    public func record(_ measurement: Measurement) {
        onMeasurement(measurement)
        let now = clock.now().microsecondsSince1970
        let alarms = state.withLock { state in
            if case .failure(let projection, let reason) = measurement {
                return change(&state, projection, .stopped, reason != nil, reason ?? "")
            }
            var inflow = 0
            if case .deadLetters(let projection, let count) = measurement {
                inflow = max(0, count - (state.deadLetters[ExactText(projection)] ?? count))
                state.deadLetters[ExactText(projection)] = count
            }
            return objectives.flatMap { take(measurement, $0, inflow, now, &state) }
        }
        for alarm in alarms { onAlarm(alarm) }
    }

    /// Returns the current status of every objective for every measured subject.
    public func statuses() -> [ObjectiveStatus] {
        let now = clock.now().microsecondsSince1970
        return state.withLock { state in
            var statuses: [ObjectiveStatus] = []
            for (key, var entry) in state.windows {
                statuses.append(entry.window.status(key.subject.text, entry.measured, at: now))
            }
            return statuses.sorted { ($0.subject, $0.objective.description) < ($1.subject, $1.objective.description) }
        }
    }

    private func take(
        _ measurement: Measurement, _ objective: Objective, _ inflow: Int, _ now: Int64, _ state: inout State
    ) -> [Alarm] {
        let (good, bad): (Int, Int)
        if objective.target == .deadLetters, case .deadLetters = measurement {
            (good, bad) = (1, inflow)
        } else if let isGood = objective.isGood(measurement) {
            (good, bad) = isGood ? (1, 0) : (0, 1)
        } else {
            return []
        }
        let key = Key(subject: ExactText(measurement.subject), objective: objective)
        let measured = objective.value(of: measurement)
        var entry = state.windows[key] ?? (ObjectiveWindow(objective), "")
        entry.measured = measured
        entry.window.record(good: good, bad: bad, at: now)
        let status = entry.window.status(key.subject.text, measured, at: now)
        state.windows[key] = entry
        // A value near its limit raises one alarm. The alarm is over when the value is well within the limit again.
        let raised = state.raised[key.subject] ?? []
        let isBroken = raised.contains(.broken(objective)) ? status.budgetLeft < 0.1 : !status.isMet
        let isBurning = raised.contains(.burning(objective)) ? status.burnRate >= 1 : status.isBurning
        return change(&state, measurement.subject, .broken(objective), isBroken, measured)
            + change(&state, measurement.subject, .burning(objective), isBurning, measured)
    }

    /// Returns the alarm for a change; `nil` if nothing changed.
    private func change(
        _ state: inout State, _ subject: String, _ kind: Alarm.Kind, _ isRaised: Bool, _ detail: String
    ) -> [Alarm] {
        let was = state.raised[ExactText(subject)]?.contains(kind) ?? false
        guard was != isRaised else { return [] }
        if isRaised {
            state.raised[ExactText(subject), default: []].insert(kind)
        } else {
            state.raised[ExactText(subject)]?.remove(kind)
        }
        return [Alarm(subject: subject, kind: kind, isRaised: isRaised, detail: detail)]
    }
}
