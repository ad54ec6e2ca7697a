public import SillokCore
public import SillokJSON
import SillokProcesses
public import SillokReadSide
import SillokSQL

/// A schedule of commands.
public struct ScheduleSummary: Hashable, Sendable {
    /// The name of the schedule.
    public let name: String
    /// The process that executes it: for ``ProcessOperations/deadlines(of:after:limit:)`` and the other operations.
    public let process: ProcessSummary
}

// Scheduled commands: each is an instance of a process of one step.
extension ProcessOperations {
    /// Returns the schedules of the read model in the order of their names.
    public func schedules() async throws -> [ScheduleSummary] {
        try await processes().filter { $0.name.hasPrefix(ScheduleName.prefix) }.map { process in
            ScheduleSummary(name: String(process.name.dropFirst(ScheduleName.prefix.count)), process: process)
        }
    }

    /// Returns the name of the process that executes a schedule.
    public static func process(ofSchedule name: String) -> String { ScheduleName.prefix + name }

    /// Schedules a command. One with the same key that waits is replaced.
    ///
    /// The command is read by the application. If it cannot be read, it is a dead letter of the projection
    /// ``projection(of:)`` of the process.
    /// - Parameters:
    ///   - command: the command as JSON: an object with the name of the case.
    ///   - time: when it is executed.
    ///   - key: the key under which it is replaced or withdrawn; by default a new one.
    ///   - name: the schedule.
    ///   - whom: the operator, recorded with the command.
    /// - Returns: the key.
    /// - Throws: ``ProcessRefusal`` if the read model has no such schedule; `StoreError`, `AppendError`.
    @discardableResult
    public func schedule(
        _ command: JSONValue, at time: Timestamp, key: String? = nil, in name: String, by whom: Operator
    ) async throws -> String {
        _ = try await index(of: Self.process(ofSchedule: name))
        let id: EventID = ids.next()
        let key = key ?? id.description
        try await append(.commandScheduled(command: JSONFragment(command), due: time), id, key, name, whom)
        return key
    }

    /// Withdraws the command with a key.
    ///
    /// - Throws: ``ProcessRefusal`` if no command with this key waits; `StoreError`, `AppendError`.
    public func withdraw(_ key: String, in name: String, by whom: Operator) async throws {
        let detail = try await instance(key, of: Self.process(ofSchedule: name))
        guard detail.work.contains(where: { $0.kind == .deadline || $0.kind == .input }) else {
            throw ProcessRefusal("The command \(key) of \(name) does not wait: it is \(detail.summary.state.rawValue).")
        }
        try await append(.commandWithdrawn(reason: whom.reason), ids.next(), key, name, whom)
    }

    private func append(
        _ event: ScheduleEvent<JSONFragment>, _ id: EventID, _ key: String, _ name: String, _ whom: Operator
    ) async throws {
        let data = try EventCoding<ScheduleEvent<JSONFragment>>().encode(
            event, id: id, metadata: Metadata(actor: whom.name, reason: whom.reason))
        try await store.append([data], to: StreamID(ScheduleName.category(of: name), key))
    }
}
