package import SillokCore
package import SillokSQL

/// A person who changes projections, processes or webhooks, with a reason. Both are stored permanently: in the read
/// model for projections and publishers, and in the log for processes and webhooks.
public struct Operator: Hashable, Sendable {
    /// The name of the person.
    public let name: String
    /// The reason for the change.
    public let reason: String

    /// Creates an operator with a name and a reason.
    public init(_ name: String, because reason: String) {
        self.name = name
        self.reason = reason
    }

    /// Returns the change that records an act. It makes the write that contains it durable: an acknowledged act
    /// survives a power cut.
    ///
    /// Acts of the same time are recorded microseconds apart, in their order, because the audit is read by time.
    package func did(
        _ action: String, to id: ProjectionID, detail: String = "", at: Timestamp
    ) -> ReadModelWrite.Change {
        let soon = at.advanced(byMicroseconds: 1_000)
        return ReadModelWrite.Change(
            """
            INSERT INTO sillok_audit VALUES (
                COALESCE((SELECT MAX(at) + 1 FROM sillok_audit WHERE at >= \(at) AND at < \(soon)), \(at)), \(name),
                \(reason), \(action), \(id.name), \(id.version), \(id.build), \(detail))
            """, isDurable: true)
    }
}
