public import SillokCore

/// The hash chain of a log: each event has a link, computed from the previous link and the digest of the event.
///
/// A known link proves that no earlier event was altered, inserted, removed or reordered, because that would change the
/// link. `CanonicalForm.swift` defines the bytes that are hashed.
public struct Chain: Hashable, Sendable {
    /// The store whose log it is; part of every link.
    public let store: StoreID

    /// The first position that has a link. Events before it, of the time when no chain was kept, are not protected.
    public let start: Position

    /// The digest in the place of the link before the first one.
    public let genesis: ChainDigest

    /// The chain of a store that begins at a position.
    public init(of store: StoreID, from start: Position) {
        self.store = store
        self.start = start
        genesis = CanonicalForm.genesis(store, start: start)
    }

    /// The link of an event, from the one before it.
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
    /// The place of its event.
    public let position: Position

    /// What it says of that event and of all before it.
    public let digest: ChainDigest

    /// The link of a place.
    public init(position: Position, digest: ChainDigest) {
        self.position = position
        self.digest = digest
    }
}

/// A store that keeps the links of its log's hash chain, written together with the events.
public protocol ChainedEventStore: EventStore {
    /// The chain that is kept, or `nil` if the store keeps none.
    func chain() async throws -> Chain?

    /// The links that are stored after a position, in order, at most `limit` of them.
    ///
    /// - Throws: `InvalidRequest` for a limit below 1 or above that of a page, `StoreError`.
    func links(after position: Position, limit: Int) async throws -> [ChainLink]
}

extension ChainedEventStore {
    /// The stored link of a position, or `nil` if there is none.
    public func link(at position: Position) async throws -> ChainLink? {
        guard position > .start else { return nil }
        return try await links(after: position.previous, limit: 1).first.flatMap { $0.position == position ? $0 : nil }
    }
}
