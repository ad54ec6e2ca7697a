public import SillokCore
import SillokSQL

/// An objective as it was last measured, kept in the read model so that a tool can ask without the application.
public struct ObjectiveReport: Hashable, Sendable {
    /// The projection, or `store`.
    public let subject: String
    /// What is promised.
    public let objective: String
    /// The last measurement, for people.
    public let measured: String
    /// How much of the error budget is left, from 1 down.
    public let budgetLeft: Double
    /// How fast the budget is used up: at 1 it lasts for just a window.
    public let burnRate: Double
    /// Whether the budget lasts.
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

    /// Whether nobody has measured it for so long: as bad as broken.
    public func isStale(at now: Timestamp, after age: Duration = .seconds(60)) -> Bool {
        Duration.microseconds(now.microseconds(since: at)) > age
    }
}

extension ReadSide {
    /// The objectives as the application has last measured them.
    public func objectives() async throws -> [ObjectiveReport] {
        try await readModel.ownRows("SELECT * FROM sillok_objectives ORDER BY subject, objective").map {
            try ObjectiveReport($0)
        }
    }

    /// Measures all live projections every so often, keeps the objectives' state in the read model, and raises the
    /// monitor's alarms, until the task is cancelled.
    ///
    /// A store or read model that is locked or full for a while is measured again at the next time.
    /// - Parameters:
    ///   - monitor: what keeps the objectives.
    ///   - interval: the time between two measurements.
    ///   - clock: what measures that time.
    public func measure(
        with monitor: ObjectiveMonitor, every interval: Duration = .seconds(1),
        clock: any Clock<Duration> = ContinuousClock()
    ) async throws {
        var rebuilt: Set<ProjectionID> = []
        var isFirst = true
        while true {
            try Task.checkCancellation()
            do {
                try await measureOnce(monitor, &rebuilt, isFirst: isFirst)
                isFirst = false
            } catch let error as StoreError where error.code == .locked || error.code == .full {
                // Whoever waits for its turn, or for space, does not end what measures it.
            }
            try await clock.sleep(for: interval)
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
            guard build.state == .live else { continue }
            monitor.record(.failure(projection: build.id.name, build.failure))
            monitor.record(.deadLetters(projection: build.id.name, count: status.deadLetters))
            monitor.record(.lag(projection: build.id.name, events: status.behind, time: status.lagTime))
        }
        try await keep(monitor.statuses())
    }

    private func keep(_ statuses: [ObjectiveStatus]) async throws {
        let now = wallClock.now()
        let changes = statuses.map { status in
            ReadModelWrite.Change(
                """
                INSERT INTO sillok_objectives VALUES (
                    \(status.subject), \(status.objective.description), '', \(status.measured), \(status.budgetLeft),
                    \(status.burnRate), \(status.isMet), \(now))
                ON CONFLICT (subject, objective) DO UPDATE SET measured = excluded.measured,
                    budget_left = excluded.budget_left, burn_rate = excluded.burn_rate, is_met = excluded.is_met,
                    at = excluded.at
                """)
        }
        if !changes.isEmpty { try await readModel.write(ReadModelWrite(changes)) }
    }
}
