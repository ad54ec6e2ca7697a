import SillokCore
import SillokSQL

/// Runs all builds of a projector's version: the live one, one that is being made, and the one before, so that it can be
/// gone back to without a gap.
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
            defer { group.cancelAll() }
            var running: Set<Key> = []
            var isLooking = false
            while true {
                for build in try await builds() {
                    for partition in 0..<build.partitions {
                        let key = Key(id: build.id, partition: partition)
                        guard running.insert(key).inserted else { continue }
                        group.addTask { try await run(key, build.partitions) }
                    }
                }
                if !isLooking {
                    isLooking = true
                    group.addTask { try await look() }
                }
                switch try await group.next() {
                case .looked: isLooking = false
                case .ended(let key): running.remove(key)
                case nil: return
                }
            }
        }
    }

    /// The builds to run; those that were asked for are begun.
    private func builds() async throws -> [ProjectionBuild] {
        let all = try await projector.ledger.builds(of: projector.name)
        projector.board.setLive(all.first { $0.state == .live }?.id)
        var mine: [ProjectionBuild] = []
        for build in all where build.id.version == projector.version {
            if build.state == .requested {
                mine.append(try await projector.begin(build.id, asLive: false))
            } else {
                mine.append(build)
            }
        }
        return mine
    }

    private func look() async throws -> Ending {
        let projector = projector
        try await projector.wish.wait(
            beyond: projector.wish.count, projector.options.pollInterval, projector.options.clock)
        return .looked
    }

    private func run(_ key: Key, _ partitions: Int) async throws -> Ending {
        do {
            try await projector.runner(key.id, key.partition, partitions).run()
        } catch let error as CancellationError {
            throw error
        } catch {
            if projector.board.live == key.id { throw error }
            if Task.isCancelled { throw CancellationError() }
            // A build beside the live one does not take it down; it is tried again at the next look.
            let failure =
                error as? ProjectionFailure ?? ProjectionFailure(projection: key.id, event: nil, cause: error)
            try await Builds(ledger: projector.ledger).record(failure)
            try await projector.options.clock.sleep(for: projector.options.pollInterval)
        }
        return .ended(key)
    }
}

extension Projector {
    /// The build that this version runs first; made if there is none.
    func ensureBuild() async throws -> ProjectionBuild {
        let builds = try await ledger.builds(of: name)
        let live = builds.first { $0.state == .live }
        board.setLive(live?.id)
        if let mine = builds.last(where: { $0.id.version == version && $0.state != .requested }) {
            let current = live.flatMap { $0.id.version == version ? $0 : nil } ?? mine
            guard current.partitions == options.partitions || lifecycle != .async else {
                throw ProjectionRefusal(
                    "\(current.id) has \(current.partitions) partitions, not \(options.partitions). A rebuild can have "
                        + "another number; until then run it with those that it has.")
            }
            try await Builds(ledger: ledger).clearFailure(current.id)
            return current
        }
        if let requested = builds.first(where: { $0.id.version == version }) {
            return try await begin(requested.id, asLive: live == nil)
        }
        return try await begin(ProjectionID(name, version: version), asLive: live == nil)
    }

    /// Makes the tables of a build and records it.
    func begin(_ id: ProjectionID, asLive: Bool) async throws -> ProjectionBuild {
        let partitions = lifecycle == .async ? options.partitions : 1
        let build = try ProjectionBuild(
            id, rule, state: asLive ? .live : .building, partitions: partitions, lifecycle: lifecycle,
            begun: options.wallClock.now(), target: try await store.head())
        try await Builds(ledger: ledger).checkTables(of: build)
        var changes: [ReadModelWrite.Change] = [.init("DELETE FROM sillok_builds \(Ledger.whose(id))")]
        changes.append(.init(build.insertion))
        for statement in rule.schema { changes.append(.init(statement, of: id)) }
        let first = Checkpoint(store: try await store.storeID())
        for partition in 0..<partitions { changes.append(.init(PartitionRow.insertion(id, partition, first))) }
        if asLive { changes += Builds.views(build, replacing: nil) }
        let isNew = ReadModelWrite.Condition("SELECT 1 FROM sillok_checkpoints \(Ledger.whose(id)) LIMIT 1", gives: [])
        do {
            try await readModel.write(ReadModelWrite(changes, if: [isNew]))
        } catch is ConditionFailed {
            // Another process has begun it.
        }
        if asLive { board.setLive(id) }
        guard let begun = try await ledger.build(id) else { throw CheckpointMoved(projection: id) }
        return begun
    }
}
