package import SillokCore
package import SillokSQL

/// The operations on builds: promote, roll back, drop.
package struct Builds: Sendable {
    let ledger: Ledger
    let wallClock: WallClock

    package init(ledger: Ledger, wallClock: WallClock = .system) {
        self.ledger = ledger
        self.wallClock = wallClock
    }

    /// Returns the changes that make the tables of a build visible to queries.
    package static func views(_ build: ProjectionBuild, replacing live: ProjectionBuild?) -> [ReadModelWrite.Change] {
        let gone = Set(build.tables).union(live?.tables ?? [])
        var changes = gone.sorted().map { name in
            ReadModelWrite.Change("DROP VIEW IF EXISTS \(table: name)")
        }
        for name in build.tables {
            let physical = build.id.physicalName(name)
            changes.append(.init("CREATE VIEW \(table: name) AS SELECT * FROM \(table: physical)"))
        }
        return changes
    }

    /// Notes that a build has reached the head, and promotes it if requested.
    ///
    /// Without an operator, only a higher version is promoted. So an old version that starts again during a slow
    /// rollout does not replace a newer one. A rebuild of the live version is promoted by the operator who requested
    /// it.
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
        if let live = try await ledger.live(id.name), live.id.version >= id.version { return }
        do {
            try await promote(id, as: "promote", by: Operator("sillok", because: "it has caught up"))
        } catch is ProjectionRefusal {
            // Another partition or the live build is further ahead: it is tried again after the next write at the
            // head. Or rows would be lost: only an operator can accept that.
        } catch is ConditionFailed {
            // Another process was faster.
        }
    }

    /// Makes a build visible to queries in one transaction; the previous one is kept.
    ///
    /// - Parameter force: whether to promote a build that contains less than the live one. The overridden reasons are
    ///   recorded with the operator's reason.
    func promote(_ id: ProjectionID, as action: String, by whom: Operator, force: Bool = false) async throws {
        let builds = try await ledger.builds(of: id.name)
        guard let build = builds.first(where: { $0.id == id }) else {
            throw ProjectionRefusal("There is no build \(id).")
        }
        if build.state == .live { throw ProjectionRefusal("\(id) is live already.") }
        let live = builds.first { $0.state == .live }
        var comparison: PromotionCheck?
        var lacks: PromotionCheck.Lack?
        if let live {
            // An early check for a good message. The transaction checks the same conditions again.
            let check = PromotionCheck(of: build, against: live)
            lacks = try await check.whatIsLacking(ledger)
            if let lacks, !force { throw ProjectionRefusal(lacks.description) }
            comparison = check
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
        let position = try await position(of: id)
        let forced = action == "rollback" ? nil : lacks.map { ", forced: \($0.fact)" }
        changes.append(whom.did(action, to: id, detail: "at \(position)\(forced ?? "")", at: wallClock.now()))
        var conditions = [unchanged(builds, id.name)]
        if let comparison, !force { conditions += comparison.conditions }
        do {
            try await ledger.model.write(ReadModelWrite(changes, if: conditions))
        } catch let failed as ConditionFailed where failed.index >= 1 {
            throw ProjectionRefusal(
                "The live build moved ahead of \(id) during the promotion. Nothing was changed. Try again.")
        }
    }

    /// Throws if two projections have tables of the same name, because queries use the plain names.
    package func checkTables(of build: ProjectionBuild) async throws {
        for other in try await ledger.builds() where other.id.name != build.id.name {
            if let name = build.tables.first(where: other.tables.contains) {
                throw ProjectionRefusal(
                    "\(build.id) and \(other.id) both have a table \(name): give one of them another name.")
            }
        }
    }

    /// Returns the changes that delete a build and its tables.
    func drop(_ build: ProjectionBuild) -> [ReadModelWrite.Change] {
        var changes = build.tables.map { name in
            ReadModelWrite.Change("DROP TABLE IF EXISTS \(table: build.id.physicalName(name))")
        }
        for table in ["builds", "checkpoints", "marks", "dead_letters"] {
            changes.append(.init("DELETE FROM \(raw: "sillok_" + table) \(Ledger.whose(build.id))"))
        }
        return changes
    }

    /// Returns the condition that the states of a projection's builds have not changed since they were read.
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

    /// Returns the position that all partitions of a build have reached.
    func position(of id: ProjectionID) async throws -> Position {
        try await ledger.partitions(of: id).map(\.checkpoint.position).min() ?? .start
    }

    /// Records the failure that stopped a projection, for other processes.
    package func record(_ failure: ProjectionFailure) async throws {
        try await ledger.model.write(
            ReadModelWrite([
                .init(
                    "UPDATE sillok_builds SET failure = \("\(failure)") \(Ledger.whose(failure.projection))")
            ]))
    }

    /// Records that a build runs again, and with which lifecycle.
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

    /// Records that a projection runs again.
    package func clearFailure(_ id: ProjectionID) async throws {
        try await ledger.model.write(
            ReadModelWrite([.init("UPDATE sillok_builds SET failure = '' \(Ledger.whose(id)) AND failure <> ''")]))
    }
}
