public import SillokCore

/// Something that somebody should look at, or need not look at any more.
public struct Alarm: Hashable, Sendable, CustomStringConvertible {
    /// What it is about.
    public enum Kind: Hashable, Sendable {
        /// An objective's budget is used up too fast.
        case burning(Objective)
        /// An objective's budget is used up.
        case broken(Objective)
        /// A projection stopped.
        case stopped
    }

    /// The projection, or `store`.
    public let subject: String
    /// What it is about.
    public let kind: Kind
    /// Whether it begins; `false`: it is over.
    public let isRaised: Bool
    /// What was measured, or why it stopped.
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

/// Keeps objectives: takes measurements, says how each objective stands, and raises alarms when one begins to break and
/// once more when that is over.
public final class ObjectiveMonitor: Sendable {
    /// A measurement that a monitor takes, with its kind of subject.
    public enum Measured: Sendable {
        /// A measurement of a projection.
        case projection(ProjectionMeasurement)
        /// A measurement of the store.
        case store(StoreMeasurement)

        /// The name of the projection, or `store`.
        public var subject: String {
            switch self {
            case .projection(let measurement): measurement.projection
            case .store: "store"
            }
        }
    }

    private struct Key: Hashable {
        let subject: String
        let objective: Objective
    }

    private struct State {
        var windows: [Key: (window: ObjectiveWindow, measured: String)] = [:]
        var deadLetters: [String: Int] = [:]
        var raised: [String: Set<Alarm.Kind>] = [:]
    }

    private let objectives: [Objective]
    private let clock: WallClock
    private let onMeasurement: @Sendable (Measured) -> Void
    private let onAlarm: @Sendable (Alarm) -> Void
    private let state = Lock(State())

    /// A monitor of objectives.
    ///
    /// - Parameters:
    ///   - objectives: what is promised of every subject that they concern.
    ///   - clock: the time of measurements.
    ///   - onMeasurement: told every measurement, such as to make metrics of it; must not block.
    ///   - onAlarm: told every alarm once when it is raised and once when it is over; must not block.
    public init(
        _ objectives: [Objective], clock: WallClock = .system,
        onMeasurement: @escaping @Sendable (Measured) -> Void = { _ in },
        onAlarm: @escaping @Sendable (Alarm) -> Void
    ) {
        self.objectives = objectives
        self.clock = clock
        self.onMeasurement = onMeasurement
        self.onAlarm = onAlarm
    }

    /// Takes a measurement of a projection.
    public func record(_ measurement: ProjectionMeasurement) {
        onMeasurement(.projection(measurement))
        let now = clock.now().microsecondsSince1970
        let alarms = state.withLock { state in
            if case .failure(let projection, let reason) = measurement {
                return change(&state, projection, .stopped, reason != nil, reason ?? "")
            }
            var inflow = 0
            if case .deadLetters(let projection, let count) = measurement {
                inflow = max(0, count - (state.deadLetters[projection] ?? count))
                state.deadLetters[projection] = count
            }
            return objectives.flatMap { take(.projection(measurement), $0, inflow, now, &state) }
        }
        for alarm in alarms { onAlarm(alarm) }
    }

    /// Takes a measurement of the store.
    public func record(_ measurement: StoreMeasurement) {
        onMeasurement(.store(measurement))
        // No objective is about reads.
        guard case .append = measurement else { return }
        let now = clock.now().microsecondsSince1970
        let alarms = state.withLock { state in
            objectives.flatMap { take(.store(measurement), $0, 0, now, &state) }
        }
        for alarm in alarms { onAlarm(alarm) }
    }

    /// How every objective stands now, for every subject that was measured.
    public func statuses() -> [ObjectiveStatus] {
        let now = clock.now().microsecondsSince1970
        return state.withLock { state in
            var statuses: [ObjectiveStatus] = []
            for (key, var entry) in state.windows {
                statuses.append(entry.window.status(key.subject, entry.measured, at: now))
            }
            return statuses.sorted { ($0.subject, $0.objective.description) < ($1.subject, $1.objective.description) }
        }
    }

    private func take(
        _ measured: Measured, _ objective: Objective, _ inflow: Int, _ now: Int64, _ state: inout State
    ) -> [Alarm] {
        let (good, bad): (Int, Int)
        if objective.target == .deadLetters, case .projection(.deadLetters) = measured {
            (good, bad) = (1, inflow)
        } else if let isGood = objective.isGood(measured) {
            (good, bad) = isGood ? (1, 0) : (0, 1)
        } else {
            return []
        }
        let key = Key(subject: measured.subject, objective: objective)
        let value = objective.value(of: measured)
        var entry = state.windows[key] ?? (ObjectiveWindow(objective), "")
        entry.measured = value
        entry.window.record(good: good, bad: bad, at: now)
        let status = entry.window.status(key.subject, value, at: now)
        state.windows[key] = entry
        // What hovers about its limit raises one alarm: it is over when it is well within the limit again.
        let raised = state.raised[key.subject] ?? []
        let isBroken = raised.contains(.broken(objective)) ? status.budgetLeft < 0.1 : !status.isMet
        let isBurning = raised.contains(.burning(objective)) ? status.burnRate >= 1 : status.isBurning
        return change(&state, key.subject, .broken(objective), isBroken, value)
            + change(&state, key.subject, .burning(objective), isBurning, value)
    }

    /// The alarm of an edge; none while nothing changes.
    private func change(
        _ state: inout State, _ subject: String, _ kind: Alarm.Kind, _ isRaised: Bool, _ detail: String
    ) -> [Alarm] {
        let was = state.raised[subject]?.contains(kind) ?? false
        guard was != isRaised else { return [] }
        if isRaised {
            state.raised[subject, default: []].insert(kind)
        } else {
            state.raised[subject]?.remove(kind)
        }
        return [Alarm(subject: subject, kind: kind, isRaised: isRaised, detail: detail)]
    }
}
