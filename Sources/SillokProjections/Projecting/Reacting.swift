public import SillokCore
public import SillokReadSide
import SillokSQL

/// Where the side effects of a new reaction begin.
public enum ReactionStart: Hashable, Sendable {
    /// With the first event of the log.
    case atBeginning
    /// With the first event after the present head.
    case atHead
}

extension Projector {
    /// Executes a side effect for each event that the projection wants, when the live rows contain it, until the
    /// task is cancelled.
    ///
    /// How far it has come is kept by the name of the projection and of the reaction, not by the build: a rebuild, a
    /// new version, a promotion or a rollback never carry an effect out again. After a crash the last effects may be
    /// carried
    /// out a second time: give the event's id to whom they concern. An event that was parked counts as told. What is
    /// done through a `CommandHandler` carries the event as its cause, and its correlation.
    /// - Parameters:
    ///   - reaction: its name.
    ///   - start: where it begins when it is new.
    ///   - effect: what is done; what it throws ends the reaction, which continues with that event when it is run again.
    /// - Throws: what `effect` throws, `ProjectionFailure`, `CancellationError`; `StoreError`, with `storeChanged`
    ///   if the log does not have the event up to which effects were executed: see `ReadSide.resetReaction`.
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
                try await store.wait(for: mark.position.next, options)
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

    /// What comes after the last event whose effect was executed, which the log must still have.
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

    /// Up to where the effects have been executed.
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
    /// Says from where a reaction continues, after the log was replaced by another one, or restored from an older copy.
    ///
    /// Effects of events after that place are executed, also if they were before. Stop the reaction first.
    /// - Parameters:
    ///   - reaction: its name.
    ///   - name: the projection that it belongs to.
    ///   - start: with the first event of this log, or the first one after its present head.
    ///   - whom: who wants it.
    /// - Throws: `ProjectionRefusal` if the projection has no such reaction, or it moved at the same time.
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
