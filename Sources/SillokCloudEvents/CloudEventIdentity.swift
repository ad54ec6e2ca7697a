package import SillokCore

/// The identity of a CloudEvent as its producer gave it: `source` and `id` together are unique, each alone is not.
package struct CloudEventIdentity: Hashable, Sendable {
    /// The `source`, as given.
    package let source: String

    /// The `id`, as given.
    package let id: String

    /// An identity as given.
    package init(source: String, id: String) { (self.source, self.id) = (source, id) }

    /// Whether the event was recorded by a store of ours: its id is a UUID, and its source the UUID of a store.
    package var isOurs: Bool {
        source.hasPrefix(Self.storePrefix) && Self.isUUID(id) && Self.isUUID(source.dropFirst(Self.storePrefix.count))
    }

    /// The id of the event in a store: the given one where a store of ours made it, and otherwise a UUID of version 5
    /// that depends on `source` and `id` alone.
    ///
    /// The name that is hashed is the number of bytes of the source, a colon, the source and the id, so that no two
    /// identities have the same name.
    package var eventID: EventID {
        if isOurs, let id = EventID(id) { return id }
        let name = "\(source.utf8.count):\(source)\(id)"
        let digest = SHA1.digest(Self.namespace + Array(name.utf8))
        let halves = [digest[0..<8], digest[8..<16]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return EventID(high: halves[0] & ~0xF000 | 0x5000, low: halves[1] & ~(3 << 62) | 1 << 63)
    }

    /// What the source of an event begins with that a store of ours recorded first.
    package static let storePrefix = "urn:uuid:"

    /// The namespace of the ids: `9b5d7b5e-4d0c-5e5c-9c39-6f1f3b2a7a54`. It never changes.
    private static let namespace: [UInt8] = [
        0x9B, 0x5D, 0x7B, 0x5E, 0x4D, 0x0C, 0x5E, 0x5C, 0x9C, 0x39, 0x6F, 0x1F, 0x3B, 0x2A, 0x7A, 0x54,
    ]

    private static func isUUID(_ text: some StringProtocol) -> Bool {
        EventID(String(text)).map { $0.description == text } ?? false
    }
}
