package import SillokCore
package import SillokSQL

/// What becomes of builds: promoted, gone back to, taken away.
package struct Builds: Sendable {
    let ledger: Ledger
    let wallClock: WallClock

    package init(ledger: Ledger, wallClock: WallClock = .system) {
        self.ledger = ledger
        self.wallClock = wallClock
    }

    /// What makes the tables of a build the ones that queries see.
    package static func views(_ build: ProjectionBuild, replacing live: ProjectionBuild?) -> [ReadModelWrite.Change] {
        let gone = Set(build.tables).union(live?.tables ?? [])
        var changes = gone.sorted().map { name in
            ReadModelWrite.Change("DROP VIEW IF EXISTS \(raw: SQL.quoted(name))")
        }
        for name in build.tables {
            let physical = SQL.quoted(build.id.physicalName(name))
            changes.append(.init("CREATE VIEW \(raw: SQL.quoted(name)) AS SELECT * FROM \(raw: physical)"))
        }
        return changes
    }

    /// Notes that a build has come to the head, and promotes it if that is wanted.
    ///
    /// A rebuild of the live version is promoted by whoever asked for it.
    package func reachedHead(_ id: ProjectionID, _ promotion: Promotion) async throws {
        guard let build = try await ledger.build(id), build.state == .building else { return }
        if build.caughtUp == nil {
            try await ledger.model.write(
                ReadModelWrite([
                    .init(
                        """
                        UPDATE sillok_builds SET caught_up = \(wallClock.now()) \(Ledger.whose(id))
                        AND caught_up = 0
                        """)
                ]))
        }
        guard promotion == .whenCaughtUp else { return }
        if let live = try await ledger.live(id.name), live.id.version == id.version { return }
        do {
            try await promote(id, as: "promote", by: Operator("sillok", because: "it has caught up"))
        } catch is ProjectionRefusal {
            // Another partition, or the live build, is further: the next time will do.
        } catch is ConditionFailed {
            // Somebody else was faster.
        }
    }

    /// Makes a build the one that queries see, in one transaction; the one before stays.
    func promote(
        _ id: ProjectionID, as action: String, by whom: Operator, evenIfBehind: Bool = false
    ) async throws {
        let builds = try await ledger.builds(of: id.name)
        guard let build = builds.first(where: { $0.id == id }) else {
            throw ProjectionRefusal("There is no build \(id).")
        }
        if build.state == .live { throw ProjectionRefusal("\(id) is live already.") }
        let live = builds.first { $0.state == .live }
        let position = try await position(of: id)
        if let live, !evenIfBehind {
            // What can be said early; what counts is asked again in the transaction.
            let lived = try await self.position(of: live.id)
            guard position >= lived, build.state != .requested else {
                throw ProjectionRefusal(
                    "\(id) is at \(position), the live \(live.id) at \(lived): wait until it has caught up.")
            }
        }
        try await checkTables(of: build)
        var changes = Self.views(build, replacing: live)
        for other in builds where other.state == .previous && other.id != id {
            changes += drop(other)
        }
        if let live {
            changes.append(.init("UPDATE sillok_builds SET state = 'previous' \(Ledger.whose(live.id))"))
        }
        changes.append(.init("UPDATE sillok_builds SET state = 'live' \(Ledger.whose(id))"))
        changes.append(whom.did(action, id, "at \(position)", wallClock.now()))
        var conditions = [unchanged(builds, id.name)]
        if let live, !evenIfBehind { conditions.append(Self.hasComeAsFar(id, as: live.id)) }
        do {
            try await ledger.model.write(ReadModelWrite(changes, if: conditions))
        } catch let failed as ConditionFailed where failed.index == 1 {
            throw ProjectionRefusal("The live build was faster than \(id) at the last moment: try again.")
        }
    }

    /// Holds if no partition of a build is behind all of the live one, at the moment of the write: the live one goes on
    /// until then.
    private static func hasComeAsFar(_ id: ProjectionID, as live: ProjectionID) -> ReadModelWrite.Condition {
        let mine: SQL = "SELECT MIN(position) FROM sillok_checkpoints \(Ledger.whose(id))"
        let lived: SQL = "SELECT MIN(position) FROM sillok_checkpoints \(Ledger.whose(live))"
        return ReadModelWrite.Condition(
            "SELECT CASE WHEN (\(mine)) >= (\(lived)) THEN 1 ELSE 0 END", gives: [[.integer(1)]])
    }

    /// Queries know tables by their plain names: those of two projections must differ.
    package func checkTables(of build: ProjectionBuild) async throws {
        for other in try await ledger.builds() where other.id.name != build.id.name {
            if let name = build.tables.first(where: other.tables.contains) {
                throw ProjectionRefusal(
                    "\(build.id) and \(other.id) both have a table \(name): give one of them another name.")
            }
        }
    }

    /// Takes a build and its tables away.
    func drop(_ build: ProjectionBuild) -> [ReadModelWrite.Change] {
        var changes = build.tables.map { name in
            ReadModelWrite.Change("DROP TABLE IF EXISTS \(raw: SQL.quoted(build.id.physicalName(name)))")
        }
        for table in ["builds", "checkpoints", "marks", "dead_letters"] {
            changes.append(.init("DELETE FROM \(raw: "sillok_" + table) \(Ledger.whose(build.id))"))
        }
        return changes
    }

    /// The states of a projection's builds as they were read.
    func unchanged(_ builds: [ProjectionBuild], _ name: String) -> ReadModelWrite.Condition {
        ReadModelWrite.Condition(
            """
            SELECT version, build, state FROM sillok_builds WHERE projection = \(name)
            ORDER BY projection, version, build
            """,
            gives: builds.map {
                [.integer(Int64($0.id.version)), .integer(Int64($0.id.build)), .text($0.state.rawValue)]
            })
    }

    /// Up to where all partitions of a build have come.
    func position(of id: ProjectionID) async throws -> Position {
        try await ledger.partitions(of: id).map(\.checkpoint.position).min() ?? .start
    }

    /// Keeps what stopped a projection, for those who run elsewhere.
    package func record(_ failure: ProjectionFailure) async throws {
        try await ledger.model.write(
            ReadModelWrite([
                .init(
                    "UPDATE sillok_builds SET failure = \("\(failure)") \(Ledger.whose(failure.projection))")
            ]))
    }

    /// Says that a build runs again, and how.
    package func begun(_ build: ProjectionBuild, as lifecycle: Lifecycle) async throws {
        if build.failure == nil && build.lifecycle == lifecycle { return }
        try await ledger.model.write(
            ReadModelWrite([
                .init(
                    """
                    UPDATE sillok_builds SET failure = '', lifecycle = \(lifecycle.rawValue) \(Ledger.whose(build.id))
                    """)
            ]))
    }

    /// Says that a projection runs again.
    package func clearFailure(_ id: ProjectionID) async throws {
        try await ledger.model.write(
            ReadModelWrite([.init("UPDATE sillok_builds SET failure = '' \(Ledger.whose(id)) AND failure <> ''")]))
    }
}
