import SillokCore
import SillokProjectionMachine
import SillokSQL

/// The supervisor of all builds of a projector's version: the live one, a new one, and the previous one, so that a
/// rollback leaves no gap. The application of another version runs the builds of that version.
struct Supervisor<Model: ReadModel>: Sendable {
    let projector: Projector<Model>

    private struct Key: Hashable, Sendable {
        let id: ProjectionID
        let partition: Int
    }

    private enum Ending: Sendable {
        case looked
        case ended(Key)
    }

    func run() async throws {
        _ = try await projector.ensureBuild()
        try await withThrowingTaskGroup(of: Ending.self) { group in
            // A wake-up while builds are read is noticed immediately.
            var heard = projector.wakeUp.count
            defer { group.cancelAll() }
            var running: Set<Key> = []
            var isLooking = false
            while true {
                heard = projector.wakeUp.count
                for build in try await projector.runnableBuilds() {
                    for partition in 0..<build.partitions {
                        let key = Key(id: build.id, partition: partition)
                        guard running.insert(key).inserted else { continue }
                        group.addTask { try await run(key, build.partitions) }
                    }
                }
                if !isLooking {
                    isLooking = true
                    group.addTask { [heard] in try await look(beyond: heard) }
                }
                switch try await group.next() {
                case .looked: isLooking = false
                case .ended(let key): running.remove(key)
                case nil: return
                }
            }
        }
    }

    private func look(beyond heard: Int) async throws -> Ending {
        let projector = projector
        try await projector.wakeUp.wait(
            beyond: heard, atMost: projector.options.pollInterval, projector.options.clock)
        return .looked
    }

    private func run(_ key: Key, _ partitions: Int) async throws -> Ending {
        do {
            try await projector.runner(key.id, key.partition, partitions).run()
        } catch let error as CancellationError {
            throw error
        } catch {
            // A new build may be the way back from the failure of the live one, such as a log that was restored.
            if projector.board.live == key.id, try await !isMakingNewBuild() { throw error }
            if Task.isCancelled { throw CancellationError() }
            // A failing build does not stop the others; it is retried at the next poll.
            try await Builds(ledger: projector.ledger).record(projector.asFailure(error, of: key.id))
            try await projector.options.clock.sleep(for: projector.options.pollInterval)
        }
        return .ended(key)
    }

    private func isMakingNewBuild() async throws -> Bool {
        try await projector.ledger.builds(of: projector.name).contains { build in
            build.id.version == projector.version && (build.state == .building || build.state == .requested)
        }
    }
}

extension Projector {
    /// Returns the builds of this version that must run, after starting the requested ones.
    func runnableBuilds() async throws -> [ProjectionBuild] {
        let all = try await ledger.builds(of: name)
        board.setLive(all.first { $0.state == .live }?.id)
        var mine: [ProjectionBuild] = []
        for build in all where build.id.version == version {
            guard build.state == .requested else {
                mine.append(build)
                continue
            }
            do {
                mine.append(try await begin(build.id, asLive: false))
            } catch  where !(error is CancellationError) {
                // A new build that cannot be started does not stop the live one; it is retried at the next poll.
                try await Builds(ledger: ledger).record(asFailure(error, of: build.id))
            }
        }
        return mine
    }

    /// Returns the first build of this version, and creates it if there is none.
    func ensureBuild() async throws -> ProjectionBuild {
        let builds = try await ledger.builds(of: name)
        let live = builds.first { $0.state == .live }
        board.setLive(live?.id)
        if let mine = builds.last(where: { $0.id.version == version && $0.state != .requested }) {
            let current = live.flatMap { $0.id.version == version ? $0 : nil } ?? mine
            guard current.partitions == options.partitions || lifecycle != .async else {
                throw ProjectionRefusal(
                    "\(current.id) has \(current.partitions) partitions, not \(options.partitions). Run it with "
                        + "\(current.partitions) partitions. To change the number, raise the version of the "
                        + "projection.")
            }
            try await Builds(ledger: ledger).begun(current, as: lifecycle)
            return current
        }
        if let requested = builds.first(where: { $0.id.version == version }) {
            return try await begin(requested.id, asLive: live == nil)
        }
        return try await begin(ProjectionID(name, version: version), asLive: live == nil)
    }

    /// Creates the tables of a build and records it.
    func begin(_ id: ProjectionID, asLive: Bool) async throws -> ProjectionBuild {
        let partitions = lifecycle == .async ? options.partitions : 1
        let build = try ProjectionBuild(
            id, tables: rule.schema.reduce(into: Set()) { $0.formUnion($1.tables) }, source: rule.source,
            sequencing: rule.sequencing, state: asLive ? .live : .building, partitions: partitions,
            lifecycle: lifecycle, begun: options.wallClock.now(), target: try await store.head())
        try await Builds(ledger: ledger).checkTables(of: build)
        var changes: [ReadModelWrite.Change] = [.init("DELETE FROM sillok_builds \(Ledger.whose(id))")]
        changes.append(.init(build.insertion))
        for statement in rule.schema { changes.append(.init(statement, of: id)) }
        let start = try await rule.delivery?.start(store) ?? .start
        let first = Checkpoint(store: try await store.storeID(), mark: start, count: 0, sum: 0)
        for partition in 0..<partitions { changes.append(.init(PartitionRow.insertion(id, partition, first))) }
        if asLive { changes += Builds.views(build, replacing: nil) }
        var conditions = [
            ReadModelWrite.Condition("SELECT 1 FROM sillok_checkpoints \(Ledger.whose(id)) LIMIT 1", gives: [])
        ]
        if asLive {
            conditions.append(
                .init("SELECT 1 FROM sillok_builds WHERE projection = \(name) AND state = 'live'", gives: []))
        }
        do {
            try await readModel.write(ReadModelWrite(changes, if: conditions))
        } catch let failed as ConditionFailed {
            // Another process has started it, or another version is the live one.
            if failed.index == 1 { return try await begin(id, asLive: false) }
        }
        if asLive { board.setLive(id) }
        guard let begun = try await ledger.build(id) else { throw CheckpointMoved(projection: id) }
        return begun
    }
}
