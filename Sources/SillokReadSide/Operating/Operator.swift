package import SillokCore
package import SillokSQL

/// Who does something to projections, and why: kept for good in the read model.
public struct Operator: Hashable, Sendable {
    /// Who it is.
    public let name: String
    /// Why.
    public let reason: String

    /// Somebody with a reason.
    public init(_ name: String, because reason: String) {
        self.name = name
        self.reason = reason
    }

    /// Returns the change that records an act. It makes the write that contains it durable: an acknowledged act
    /// survives a power cut.
    package func did(
        _ action: String, to id: ProjectionID, detail: String = "", at: Timestamp
    ) -> ReadModelWrite.Change {
        ReadModelWrite.Change(
            """
            INSERT INTO sillok_audit VALUES (
                \(at), \(name), \(reason), \(action), \(id.name), \(id.version), \(id.build), \(detail))
            """, isDurable: true)
    }
}
