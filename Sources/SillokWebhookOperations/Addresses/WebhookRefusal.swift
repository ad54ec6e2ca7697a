/// Something that webhooks do not accept, and what to do instead.
public struct WebhookRefusal: Error, Hashable, CustomStringConvertible {
    /// What happened and what to do next.
    public let description: String

    /// Whether there is no such endpoint.
    public let isMissing: Bool

    /// Whether the state of the endpoint does not allow it, such as a pause of a paused endpoint.
    public let isConflict: Bool

    package init(_ description: String, isConflict: Bool = false) {
        (self.description, isMissing, self.isConflict) = (description, false, isConflict)
    }

    init(missing id: String) {
        description = "There is no webhook endpoint \(id). Register it first."
        (isMissing, isConflict) = (true, false)
    }
}
