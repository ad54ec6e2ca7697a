public import SillokCore
import SillokProcesses
public import SillokReadSide
public import SillokSQL

/// The processes of a read model, for operators: what their instances do and wait for, and the operations on them.
///
/// ```swift
/// let operations = ProcessOperations(of: store, in: model)
/// let ada = Operator("Ada", because: "the bank is up")
/// for failing in try await operations.failures(of: "checkout").elements {
///     try await operations.retry(failing.id, of: failing.key, in: "checkout", by: ada)
/// }
/// ```
/// It needs no code of the processes: what it shows is in the log and in the index, and an act is a record in the
/// stream of the instance, with the operator's name and reason. The runner of the process executes the act, and records
/// that it did, or why not.
public struct ProcessOperations: Sendable {
    /// The log of the processes.
    public let store: any EventStore

    /// The read model with the indexes of the processes.
    public let readModel: any ReadModel

    let wallClock: WallClock
    let ids: IDGenerator

    /// Creates the operations on the processes of a log, whose indexes are in a read model.
    public init(
        of store: any EventStore, in readModel: any ReadModel, wallClock: WallClock = .system,
        ids: IDGenerator = .system
    ) {
        self.store = store
        self.readModel = readModel
        self.wallClock = wallClock
        self.ids = ids
    }

    /// Returns the processes of the read model in the order of their names.
    public func processes() async throws -> [ProcessSummary] {
        var summaries: [ProcessSummary] = []
        for (name, build) in try await indexes() { summaries.append(try await summary(name, build)) }
        return summaries
    }

    /// Measures the processes of the read model, by their indexes. Ages are by the clock of this machine, and retries
    /// are not counted: only the runner of a process counts them.
    public func measurements() async throws -> [ProcessMeasurement] {
        var measurements: [ProcessMeasurement] = []
        for (name, build) in try await indexes() {
            measurements.append(try await measuring(name, build).measurement(at: wallClock.now()))
        }
        return measurements
    }

    private func measuring(_ name: String, _ build: ProjectionBuild) -> IndexMeasuring {
        IndexMeasuring(of: name, in: store, readModel, build.id, partitions: build.partitions)
    }

    /// Returns the indexes of processes in the read model.
    private func indexes() async throws -> [(process: String, build: ProjectionBuild)] {
        let prefix = Self.projection(of: "")
        return try await Ledger(model: readModel).builds().compactMap { build in
            let name = String(build.id.name.dropFirst(prefix.count))
            // A projection of an application may have such a name too.
            guard build.state == .live, build.id.name.hasPrefix(prefix),
                build.tables.contains(ProcessTables(process: name).work)
            else { return nil }
            return (name, build)
        }
    }

    /// Returns a process.
    ///
    /// - Throws: ``ProcessRefusal`` if the read model has no such process; `StoreError`.
    public func process(_ name: String) async throws -> ProcessSummary {
        try await summary(name, try await index(of: name).build)
    }

    private func summary(_ name: String, _ build: ProjectionBuild) async throws -> ProcessSummary {
        let index = IndexRows(model: readModel, build: build, tables: ProcessTables(process: name))
        let status = try await ReadSide(of: store, in: readModel, wallClock: wallClock).status(of: build.id.name)
            .first { $0.build.id == build.id }
        var instances = try await index.instances()
        let working = min(instances[.running] ?? 0, try await index.working())
        if let running = instances[.running] {
            instances[.running] = working == 0 ? nil : working
            instances[.waiting] = running == working ? nil : running - working
        }
        let inputs = try await index.count("shard IN \(index.shards) AND kind = 'input'")
        let now = wallClock.now()
        let measuring = measuring(name, build)
        let (failing, unknown) = try await measuring.failures()
        return ProcessSummary(
            name: name, instances: instances, inputs: inputs,
            oldestInput: inputs == 0 ? nil : try await measuring.oldestInput(),
            failing: failing, unknown: unknown, pausedKinds: try await index.pauses.all(),
            deadlines: try await index.count("kind = 'deadline'"),
            overdue: try await index.count("kind = 'deadline' AND due <= \(now)"),
            nextDue: try await index.nextDue(), deadLetters: status?.deadLetters ?? 0,
            position: status?.position ?? .start, head: status?.head ?? .start)
    }

    /// Returns the name of the projection that is the index of a process: for its status, dead letters and rebuilds.
    public static func projection(of process: String) -> String { "process_\(process)" }
}

/// An operation on processes was refused. Nothing was written.
public struct ProcessRefusal: Error, Hashable, CustomStringConvertible {
    /// Whether the process, the instance or the step does not exist.
    public let isMissing: Bool

    /// What happened, and what to do next.
    public let description: String

    init(missing description: String) { (isMissing, self.description) = (true, description) }

    init(_ description: String) { (isMissing, self.description) = (false, description) }
}
