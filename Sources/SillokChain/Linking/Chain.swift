public import SillokCore

/// The hash chain of a log: each event has a link, computed from the previous link and the digest of the event.
///
/// If you keep a link, you can prove later that its event and all earlier ones are unchanged: a change to any of them
/// would change the link. `CanonicalForm.swift` defines the bytes that are hashed.
public struct Chain: Hashable, Sendable {
    /// The store to which the log belongs. Its identity is part of every link.
    public let store: StoreID

    /// The first position that has a link. Events before it were stored without a chain and are not protected.
    public let start: Position

    /// The digest that the first link uses as its previous link.
    public let genesis: ChainDigest

    /// Creates the chain of a store, beginning at a position.
    public init(of store: StoreID, from start: Position) {
        self.store = store
        self.start = start
        genesis = CanonicalForm.genesis(store, start: start)
    }

    /// Returns the link of an event, computed from the previous link.
    public static func link(after previous: ChainDigest, to event: RecordedEvent) -> ChainDigest {
        link(after: previous, event.position, event.revision, event.recordedAt, event.factDigest)
    }

    /// The link of a fact that takes its place in the log, from the one before it.
    package static func link(
        after previous: ChainDigest, _ position: Position, _ revision: Revision, _ recordedAt: Timestamp,
        _ fact: ChainDigest
    ) -> ChainDigest {
        CanonicalForm.link(after: previous, position, revision, recordedAt, fact)
    }
}

/// One link of a chain, as stored by a store or listed in a signed head.
public struct ChainLink: Hashable, Sendable {
    /// The position of its event.
    public let position: Position

    /// The digest of that event and of all events before it.
    public let digest: ChainDigest

    /// Creates the link of a position.
    public init(position: Position, digest: ChainDigest) {
        self.position = position
        self.digest = digest
    }
}

/// A store that keeps the links of its log's hash chain, written together with the events.
public protocol ChainedEventStore: EventStore {
    /// Returns the chain of the log, or `nil` if the store keeps no chain.
    func chain() async throws -> Chain?

    /// Returns at most `limit` stored links of positions after `position`, in order.
    ///
    /// - Throws: `InvalidRequest` for a limit below 1 or above that of a page, `StoreError`.
    func links(after position: Position, limit: Int) async throws -> [ChainLink]
}

extension ChainedEventStore {
    /// Returns the stored link of a position, or `nil` if there is none.
    public func link(at position: Position) async throws -> ChainLink? {
        guard position > .start else { return nil }
        return try await links(after: position.previous, limit: 1).first.flatMap { $0.position == position ? $0 : nil }
    }
}
