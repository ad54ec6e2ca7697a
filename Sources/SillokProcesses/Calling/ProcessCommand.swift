public import Sillok
import SillokCore
import SillokProcessMachine

/// The command that executes a request of a process. The function that returns it is pure, and is called each time the
/// request is executed.
///
/// ```swift
/// requests: { request in
///     switch request {
///     case .reserve(let item, let units): .execute(.reserve(units), on: item, with: stock)
///     }
/// }
/// ```
public struct ProcessCommand: Sendable {
    enum Proposal: Sendable {
        case accepted(CommandProposal)
        case refused(String)
    }

    let store: any EventStore
    let propose: @Sendable (CommandID, Metadata) async throws -> Proposal
    let execute: @Sendable (CommandID, Metadata) async throws -> RequestResult

    /// Returns a command on a stream.
    public static func execute<D: Decider>(
        _ command: D.Command, on key: String, with handler: CommandHandler<D>
    ) -> ProcessCommand {
        ProcessCommand(handler) { id, metadata in
            try await handler.proposal(
                for: command, on: .init(stream: handler.stream(of: key)), id: id, metadata: metadata)
        } execute: { id in
            try await handler.execute(command, on: key, id: id)
        }
    }

    /// Returns a command on a boundary.
    public static func execute<D: BoundaryDecider>(
        _ command: D.Command, with handler: CommandHandler<D>
    ) -> ProcessCommand {
        ProcessCommand(handler) { id, metadata in
            try await handler.proposal(
                for: command, on: .init(boundary: D.boundary(of: command)), id: id, metadata: metadata)
        } execute: { id in
            try await handler.execute(command, id: id)
        }
    }

    private init<D: Decider>(
        _ handler: CommandHandler<D>,
        propose: @escaping @Sendable (CommandID, Metadata) async throws -> CommandProposal,
        execute: @escaping @Sendable (CommandID) async throws -> CommandOutcome<D>
    ) {
        store = handler.store
        self.propose = { id, metadata in
            do {
                return .accepted(try await propose(id, metadata))
            } catch let refusal as D.Refusal {
                return .refused("\(refusal)")
            }
        }
        self.execute = { id, metadata in
            do {
                _ = try await Metadata.$current.withValue(metadata) { try await execute(id) }
                return .accepted
            } catch let refusal as D.Refusal {
                return .refused(reason: "\(refusal)")
            }
        }
    }
}
