public import SillokCore
import SillokSQL

/// Where the side effects of a new reaction begin.
public enum ReactionStart: Hashable, Sendable {
    /// With the first event of the log.
    case atBeginning
    /// With the first event after the present head.
    case atHead
}

extension Projector {
    /// Carries out a side effect for each event that the projection wants, when the live rows tell it, until the task is
    /// cancelled.
    ///
    /// How far it has come is kept by the name of the projection and of the reaction, not by the build: a rebuild, a new
    /// version, a promotion or a rollback never carry an effect out again. After a crash the last effects may be carried
    /// out a second time: give the event's id to whom they concern. An event that was parked counts as told. What is done
    /// through a `CommandHandler` carries the event as its cause, and its correlation.
    /// - Parameters:
    ///   - reaction: its name.
    ///   - start: where it begins when it is new.
    ///   - effect: what is done; what it throws ends the reaction, which goes on with that event when it is run again.
    /// - Throws: what `effect` throws, `ProjectionFailure`, `StoreError`, `CancellationError`.
    public func react(
        _ reaction: String, from start: ReactionStart = .atHead,
        _ effect: @Sendable (RecordedEvent) async throws -> Void
    ) async throws {
        let key = "\(name)/\(reaction)"
        var position = try await reached(key, start)
        while true {
            try Task.checkCancellation()
            let page = try await store.read(rule.source, after: position, limit: 100)
            guard page.through > position else {
                try await store.wait(for: position.next, options)
                continue
            }
            do {
                _ = try await model(atLeast: page.through, within: options.pollInterval)
            } catch is StaleModel {
                continue
            }
            for event in page.events {
                try await Metadata.$current.withValue(.caused(by: event)) { try await effect(event) }
                try await move(key, from: position, to: event.position)
                position = event.position
            }
            if page.through > position {
                try await move(key, from: position, to: page.through)
                position = page.through
            }
        }
    }

    /// Up to where the effects have been carried out.
    private func reached(_ key: String, _ start: ReactionStart) async throws -> Position {
        let query: SQL = "SELECT position FROM sillok_reactions WHERE projection = \(key)"
        if let row = try await readModel.rows(query).first {
            return Position(UInt64(clamping: row["position"].integer ?? 0))
        }
        let first = start == .atHead ? try await store.head() : .start
        do {
            try await readModel.write(
                ReadModelWrite(
                    [.init("INSERT INTO sillok_reactions VALUES (\(key), \(first))")], if: [.init(query, gives: [])]))
            return first
        } catch is ConditionFailed {
            throw runsTwice(key)
        }
    }

    private func move(_ key: String, from position: Position, to next: Position) async throws {
        do {
            try await readModel.write(
                ReadModelWrite(
                    [.init("UPDATE sillok_reactions SET position = \(next) WHERE projection = \(key)")],
                    if: [
                        .init(
                            "SELECT position FROM sillok_reactions WHERE projection = \(key)",
                            gives: [[position.sqlValue]])
                    ]))
        } catch is ConditionFailed {
            throw runsTwice(key)
        }
    }

    private func runsTwice(_ key: String) -> ProjectionRefusal {
        ProjectionRefusal("The reaction \(key) runs in two places: run it in one.")
    }
}

extension EventStore {
    /// Waits until the head may be at a position, or for as long as a lost wake-up can cost.
    fileprivate func wait(for position: Position, _ options: ProjectorOptions) async throws {
        let (clock, pause) = (options.clock, options.pollInterval)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.reach(position) }
            group.addTask { try await clock.sleep(for: pause) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
