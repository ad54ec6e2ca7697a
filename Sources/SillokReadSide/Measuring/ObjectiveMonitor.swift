public import SillokCore

/// A problem that needs attention, or the end of one.
public struct Alarm: Hashable, Sendable, CustomStringConvertible {
    /// The kind of problem.
    public enum Kind: Hashable, Sendable {
        /// The error budget of an objective is being used too fast.
        case burning(Objective)
        /// More than the error budget of an objective is used.
        case broken(Objective)
        /// A projection has stopped.
        case stopped
        /// A kind of effect of a process is paused, because its calls keep failing.
        case paused(kind: String)
    }

    /// The projection, the process as `process:checkout`, or `store`.
    public let subject: String
    /// The kind of problem.
    public let kind: Kind
    /// `true` if the problem begins, `false` if it is over.
    public let isRaised: Bool
    /// The measurement, or the reason why the projection stopped or the kind of effect is paused.
    public let detail: String

    /// What happened, in a sentence.
    public var description: String {
        let text =
            switch kind {
            case .burning(let objective): "uses up the budget of \"\(objective)\" too fast"
            case .broken(let objective): "misses the objective \"\(objective)\""
            case .stopped: "stopped"
            case .paused(let kind): "paused its effects of the kind \(kind)"
            }
        return isRaised ? "\(subject) \(text): \(detail)" : "resolved: \(subject) \(text)"
    }
}

/// A monitor of objectives. It receives measurements and returns the status of each objective. It raises an alarm when
/// an objective is in danger, and another when that is over.
public final class ObjectiveMonitor: Sendable {
    /// A measurement that a monitor receives: of a projection, a process or the store.
    public enum Measured: Sendable {
        /// A measurement of a projection.
        case projection(ProjectionMeasurement)
        /// A measurement of a process.
        case process(ProcessMeasurement)
        /// A measurement of the store.
        case store(StoreMeasurement)

        /// The name of the projection, the process as `process:checkout`, or `store`.
        public var subject: String {
            switch self {
            case .projection(let measurement): measurement.projection
            case .process(let measurement): measurement.subject
            case .store: "store"
            }
        }
    }

    private struct Key: Hashable {
        let subject: ExactText
        let objective: Objective
    }

    private struct State {
        var windows: [Key: (window: ObjectiveWindow, measured: String)] = [:]
        var deadLetters: [ExactText: Int] = [:]
        /// The windows that an earlier process has kept, and that this one continues.
        var resumed: Set<Key> = []
        var raised: [ExactText: Set<Alarm.Kind>] = [:]
    }

    private let objectives: [Objective]
    private let clock: WallClock
    private let onMeasurement: @Sendable (Measured) -> Void
    private let onAlarm: @Sendable (Alarm) -> Void
    private let state = Lock(State())

    /// Creates a monitor of objectives.
    ///
    /// - Parameters:
    ///   - objectives: the objectives. Each applies to every projection, to every process, or to the store.
    ///   - clock: the clock for the times of measurements.
    ///   - onMeasurement: called with every measurement, for example to export metrics; must not block.
    ///   - onAlarm: called with every alarm, once when it is raised and once when it is over; must not block.
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

    /// Records a measurement of a projection.
    public func record(_ measurement: ProjectionMeasurement) {
        onMeasurement(.projection(measurement))
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
            return objectives.flatMap { take(.projection(measurement), $0, inflow, now, &state) }
        }
        for alarm in alarms { onAlarm(alarm) }
    }

    /// Records a measurement of a process. A paused kind of effect raises an alarm, even if there is no objective.
    public func record(_ measurement: ProcessMeasurement) {
        onMeasurement(.process(measurement))
        let now = clock.now().microsecondsSince1970
        let alarms = state.withLock { state in
            var kinds = measurement.pausedKinds.map { ($0, true, $1) }
            for case .paused(let kind) in state.raised[ExactText(measurement.subject)] ?? []
            where measurement.pausedKinds[kind] == nil { kinds.append((kind, false, "")) }
            return kinds.sorted { $0.0 < $1.0 }.flatMap { kind, isPaused, reason in
                change(&state, measurement.subject, .paused(kind: kind), isPaused, reason)
            } + objectives.flatMap { take(.process(measurement), $0, 0, now, &state) }
        }
        for alarm in alarms { onAlarm(alarm) }
    }

    /// Records a measurement of the store.
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

    /// A window as a read model keeps it, for the process that measures next.
    struct KeptWindow: Sendable {
        let subject: String
        let objective: String
        /// The counts, and after a semicolon the number of dead letters when they were kept.
        let text: String
    }

    /// Continues windows that an earlier process has kept, each once.
    func resume(_ kept: [KeptWindow]) {
        state.withLock { state in
            for one in kept {
                let parts = one.text.split(separator: ";", omittingEmptySubsequences: false)
                guard let objective = objectives.first(where: { $0.description == one.objective }),
                    let text = parts.first, var window = ObjectiveWindow(objective, String(text)),
                    state.resumed.insert(Key(subject: ExactText(one.subject), objective: objective)).inserted
                else { continue }
                let key = Key(subject: ExactText(one.subject), objective: objective)
                if let present = state.windows[key] { window.add(present.window) }
                state.windows[key] = (window, state.windows[key]?.measured ?? "")
                if parts.count == 2, let letters = Int(parts[1]), state.deadLetters[key.subject] == nil {
                    state.deadLetters[key.subject] = letters
                }
            }
        }
    }

    /// The number of dead letters of a projection that was counted by no earlier process, of which some were parked
    /// within the window.
    func begin(_ projection: String, deadLetters parked: [Timestamp]) {
        let subject = ExactText(projection)
        state.withLock { state in
            guard state.deadLetters[subject] == nil else { return }
            state.deadLetters[subject] = parked.count
            for objective in objectives where objective.target == .deadLetters {
                let key = Key(subject: subject, objective: objective)
                var window = state.windows[key]?.window ?? ObjectiveWindow(objective)
                for time in parked.sorted() { window.record(bad: 1, at: time.microsecondsSince1970) }
                state.windows[key] = (window, state.windows[key]?.measured ?? "")
            }
        }
    }

    /// The present windows, to be kept.
    func keptWindows() -> [ExactText: [String: KeptWindow]] {
        state.withLock { state in
            var kept: [ExactText: [String: KeptWindow]] = [:]
            for (key, entry) in state.windows {
                let letters = key.objective.target == .deadLetters ? state.deadLetters[key.subject] : nil
                kept[key.subject, default: [:]][key.objective.description] = KeptWindow(
                    subject: key.subject.text, objective: key.objective.description,
                    text: entry.window.text + (letters.map { ";\($0)" } ?? ""))
            }
            return kept
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
        let key = Key(subject: ExactText(measured.subject), objective: objective)
        var entry = state.windows[key] ?? (ObjectiveWindow(objective), "")
        entry.window.record(good: good, bad: bad, at: now)
        let value = objective.value(of: measured, in: entry.window.counted)
        entry.measured = value
        let status = entry.window.status(key.subject.text, value, at: now)
        state.windows[key] = entry
        // A value near its limit raises one alarm. The alarm is over when the value is well within the limit again.
        let raised = state.raised[key.subject] ?? []
        let isBroken = raised.contains(.broken(objective)) ? status.budgetLeft < 0.1 : !status.isMet
        let isBurning = raised.contains(.burning(objective)) ? status.burnRate >= 1 : status.isBurning
        return change(&state, measured.subject, .broken(objective), isBroken, value)
            + change(&state, measured.subject, .burning(objective), isBurning, value)
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
