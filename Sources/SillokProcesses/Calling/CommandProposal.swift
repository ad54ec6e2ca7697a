import Sillok
import SillokCore

/// What the execution of a command would append, so that more can be appended together with it.
struct CommandProposal: Sendable {
    /// The events, and none if the command changes nothing.
    var entries: [AppendRequest.Entry] = []

    /// The condition under which they are the right ones.
    let condition: AppendCondition
}

extension CommandHandler {
    /// Decides a command on the current state of a subject, and appends nothing.
    ///
    /// The events have the ids that the handler gives them. It does not look for an earlier execution under the id.
    /// - Throws: `D.Refusal` if the decider refuses; what `execute` throws when it loads the state.
    func proposal(
        for command: D.Command, on subject: Subjects<D>.Subject, id: CommandID, metadata: Metadata
    ) async throws -> CommandProposal {
        let (current, condition) = try await current(subject)
        var proposal = CommandProposal(condition: condition)
        var metadata = Metadata.ofCommand(id, saying: metadata)
        if let text = commandText(command) { metadata[Metadata.Key.command] = text }
        for (index, event) in try current.state.decide(command).enumerated() {
            let data = try coding.encode(event, id: id.event(index), tags: D.tags(of: event), metadata: metadata)
            proposal.entries.append(.init(stream: subject.stream, event: data))
            metadata[Metadata.Key.command] = nil
        }
        return proposal
    }
}
