public import SillokCore
import SillokProjectionMachine
public import SillokReadSide
import SillokSQL

/// The event with which a new reaction starts.
public enum ReactionStart: Hashable, Sendable {
    /// With the first event of the log.
    case atBeginning
    /// With the first event after the current head.
    case atHead
}

extension Projector {
    /// Executes a side effect for each event that the projection handles, after the live rows contain it, until the
    /// task is cancelled.
    ///
    /// Progress is stored under the names of the projection and the reaction, not under the build. So a rebuild, a new
    /// version, a promotion or a rollback never executes an effect again. After a crash the last effects may be
    /// executed a second time: pass the event's id to their recipients. A parked event counts as handled. Commands that
    /// run through a `CommandHandler` in the effect record the event as their cause, and its correlation.
    /// - Parameters:
    ///   - reaction: the name of the reaction.
    ///   - start: where it starts when it is new.
    ///   - effect: the side effect. If it throws, the reaction ends; the next run continues with that event.
    /// - Throws: errors of `effect`, `ProjectionFailure`, `CancellationError`; `StoreError`, with `storeChanged` if the
    ///   log does not have the event up to which effects were executed: see `ReadSide.resetReaction`.
    public func react(
        _ reaction: String, from start: ReactionStart = .atHead,
        _ effect: @Sendable (RecordedEvent) async throws -> Void
    ) async throws {
        let key = "\(name)/\(reaction)"
        var mark = try await reached(key, start)
        while true {
            try Task.checkCancellation()
            let page = try await page(key, after: mark)
            guard page.through > mark.position else {
                if mark.id == nil { mark = page.mark }
                try await store.wait(for: mark.position.next, of: rule.source, options)
                continue
            }
            do {
                try await rows(atLeast: page.through, within: options.pollInterval)
            } catch is StaleModel {
                continue
            }
            for event in page.events {
                try await Metadata.$current.withValue(.caused(by: event)) { try await effect(event) }
                try await move(key, from: mark.position, to: EventMark(event))
                mark = EventMark(event)
            }
            if page.through > mark.position {
                try await move(key, from: mark.position, to: page.mark)
                mark = page.mark
            }
        }
    }

    /// Returns the page after the last event whose effect was executed. The log must still have that event.
    private func page(_ key: String, after mark: EventMark) async throws -> EventBatch {
        do {
            return try await store.read(rule.source, resumingAfter: mark, limit: 100)
        } catch let error as StoreError where error.code == .storeChanged {
            throw StoreError(
                .storeChanged,
                "the reaction \(key) has followed another log: \(error.message) "
                    + "`ReadSide.resetReaction` says from where "
                    + "the reaction continues in this log.")
        }
    }

    /// Returns the mark up to which effects were executed.
    private func reached(_ key: String, _ start: ReactionStart) async throws -> EventMark {
        let query: SQL = "SELECT position, mark FROM sillok_reactions WHERE projection = \(key)"
        if let row = try await readModel.ownRows(query).first {
            return ReadModelFormat.mark(try row.integer("position"), row["mark"])
        }
        let first: EventMark = start == .atHead ? try await store.head(resumingAfter: .start) : .start
        do {
            try await readModel.write(
                ReadModelWrite([.init(Self.insertion(key, first))], if: [.init(query, gives: [])]))
            return first
        } catch is ConditionFailed {
            throw runsTwice(key)
        }
    }

    private static func insertion(_ key: String, _ mark: EventMark) -> SQL {
        """
        INSERT INTO sillok_reactions (projection, position, mark)
        VALUES (\(key), \(mark.position), \(mark.description))
        """
    }

    private func move(_ key: String, from position: Position, to next: EventMark) async throws {
        do {
            try await readModel.write(
                ReadModelWrite(
                    [
                        .init(
                            """
                            UPDATE sillok_reactions SET position = \(next.position), mark = \(next.description)
                            WHERE projection = \(key)
                            """)
                    ],
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

extension ReadSide {
    /// Sets the place from which a reaction continues, after the log was replaced or restored from an older copy.
    ///
    /// Effects of events after that place are executed, even if they were executed before. Stop the reaction first.
    /// - Parameters:
    ///   - reaction: the name of the reaction.
    ///   - name: the projection that it belongs to.
    ///   - start: the first event of this log, or the first one after its current head.
    ///   - whom: the operator who requests it.
    /// - Throws: `ProjectionRefusal` if the projection has no such reaction, or the reaction advanced at the same time.
    public func resetReaction(
        _ reaction: String, of name: String, to start: ReactionStart, by whom: Operator
    ) async throws {
        let (key, live) = ("\(name)/\(reaction)", try await live(name))
        let query: SQL = "SELECT position, mark FROM sillok_reactions WHERE projection = \(key)"
        guard let row = try await readModel.ownRows(query).first else {
            throw ProjectionRefusal("\(name) has no reaction \(reaction).")
        }
        let mark: EventMark = start == .atHead ? try await store.head(resumingAfter: .start) : .start
        try await write(
            [
                .init(
                    """
                    UPDATE sillok_reactions SET position = \(mark.position), mark = \(mark.description)
                    WHERE projection = \(key)
                    """),
                whom.did(
                    "reset-reaction", to: live.id, detail: "\(reaction) to \(mark.position)", at: wallClock.now()),
            ], if: [.init(query, gives: [row.values])])
    }
}

extension EventStore {
    /// Waits until an event of a query may be at or after a position, or for as long as a lost wake-up can cost.
    fileprivate func wait(for position: Position, of query: EventQuery, _ options: ProjectorOptions) async throws {
        let (clock, pause) = (options.clock, options.pollInterval)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.reach(position, for: query) }
            group.addTask { try await clock.sleep(for: pause) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
