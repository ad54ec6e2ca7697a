/// Something that webhooks do not accept, and what to do instead.
public struct WebhookRefusal: Error, Hashable, CustomStringConvertible {
    /// What happened and what to do next.
    public let description: String

    /// Whether there is no such endpoint.
    public let isMissing: Bool

    package init(_ description: String) { (self.description, isMissing) = (description, false) }

    init(missing id: String) {
        (description, isMissing) = ("There is no webhook endpoint \(id). Register it first.", true)
    }
}
