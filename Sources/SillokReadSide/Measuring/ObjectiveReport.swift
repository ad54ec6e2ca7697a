public import SillokCore
import SillokSQL

/// The last status of an objective, stored in the read model so that a tool can read it without the application.
public struct ObjectiveReport: Hashable, Sendable {
    /// The projection, the process as `process:checkout`, or `store`.
    public let subject: String
    /// The objective as a text.
    public let objective: String
    /// The last measurement, as a text for people.
    public let measured: String
    /// The share of the error budget that is left, at most 1.
    public let budgetLeft: Double
    /// How fast the budget is used. At 1 it lasts for exactly one window.
    public let burnRate: Double
    /// Whether no more than the error budget is used.
    public let isMet: Bool
    /// When it was measured.
    public let at: Timestamp

    init(_ row: SQLRow) throws(StoreError) {
        subject = try row.text("subject")
        objective = try row.text("objective")
        measured = try row.text("measured")
        budgetLeft = try row.number("budget_left")
        burnRate = try row.number("burn_rate")
        isMet = try row.integer("is_met") == 1
        at = try row.time("at")
    }

    /// Returns whether the last measurement is older than `age`. That is as bad as a broken objective.
    public func isStale(at now: Timestamp, after age: Duration = .seconds(60)) -> Bool {
        Duration.microseconds(now.microseconds(since: at)) > age
    }
}

extension ReadSide {
    /// Returns the objectives as last measured by the application.
    public func objectives() async throws -> [ObjectiveReport] {
        try await readModel.ownRows("SELECT * FROM sillok_objectives ORDER BY subject, objective").map {
            try ObjectiveReport($0)
        }
    }

    /// Measures all live projections at regular intervals, stores the status of the objectives in the read model, and
    /// raises the monitor's alarms, until the task is cancelled.
    ///
    /// If the store or the read model is locked or full, it skips the measurement until the next interval.
    /// - Parameters:
    ///   - monitor: the monitor of the objectives.
    ///   - interval: the time between two measurements.
    ///   - clock: the clock that measures the interval.
    public func measure(
        with monitor: ObjectiveMonitor, every interval: Duration = .seconds(1),
        clock: any Clock<Duration> = ContinuousClock()
    ) async throws {
        var rebuilt: Set<ProjectionID> = []
        var isFirst = true
        while true {
            try Task.checkCancellation()
            do {
                if isFirst { try await resume(monitor) }
                try await measureOnce(monitor, &rebuilt, isFirst: isFirst)
                isFirst = false
            } catch let error as StoreError where error.code == .locked || error.code == .full {
                // A locked or full read model does not end the measuring.
            }
            try await clock.sleep(for: interval)
        }
    }

    /// Continues what the process before this one has measured. Its windows reach further back than this process.
    private func resume(_ monitor: ObjectiveMonitor) async throws {
        let rows = try await readModel.rows("SELECT subject, objective, target FROM sillok_objectives")
        monitor.resume(
            rows.compactMap { row in
                guard let subject = row["subject"].text, let objective = row["objective"].text,
                    let text = row["target"].text
                else { return nil }
                return .init(subject: subject, objective: objective, text: text)
            })
        for build in try await ledger.builds(of: nil) where build.state == .live {
            let letters = try await readModel.rows(
                """
                SELECT parked FROM sillok_dead_letters \(Ledger.whose(build.id)) AND state <> 'skipped'
                """)
            monitor.begin(
                build.id.name,
                deadLetters: letters.compactMap { $0["parked"].integer.map(Timestamp.init(microsecondsSince1970:)) })
        }
    }

    private func measureOnce(
        _ monitor: ObjectiveMonitor, _ rebuilt: inout Set<ProjectionID>, isFirst: Bool
    ) async throws {
        for status in try await status() {
            let build = status.build
            if let caughtUp = build.caughtUp, rebuilt.insert(build.id).inserted, !isFirst {
                let time = caughtUp.microseconds(since: build.begun)
                monitor.record(.rebuild(projection: build.id.name, time: .microseconds(max(0, time))))
            }
            for measurement in status.measurements { monitor.record(measurement) }
        }
        try await keep(monitor.statuses(), monitor.keptWindows())
    }

    /// Writes how the objectives stand. The column `target` has the window, for the process that measures next.
    private func keep(
        _ statuses: [ObjectiveStatus], _ windows: [ExactText: [String: ObjectiveMonitor.KeptWindow]]
    ) async throws {
        let now = wallClock.now()
        let changes = statuses.map { status in
            let window = windows[ExactText(status.subject)]?[status.objective.description]
            return ReadModelWrite.Change(
                """
                INSERT INTO sillok_objectives VALUES (
                    \(status.subject), \(status.objective.description), \(window?.text ?? ""), \(status.measured),
                    \(status.budgetLeft),
                    \(status.burnRate), \(status.isMet), \(now))
                ON CONFLICT (subject, objective) DO UPDATE SET target = excluded.target,
                    measured = excluded.measured,
                    budget_left = excluded.budget_left, burn_rate = excluded.burn_rate, is_met = excluded.is_met,
                    at = excluded.at
                """)
        }
        if !changes.isEmpty { try await readModel.write(ReadModelWrite(changes)) }
    }
}
