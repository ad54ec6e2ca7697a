public import SillokCore

/// The result of the verification of a hash chain.
public struct ChainReport: Hashable, Sendable {
    /// The chain that was verified.
    public let chain: Chain

    /// The last position that was checked; a position before ``Chain/start`` if there was no event to check.
    public let through: Position

    /// The link of ``through``, computed from the events; the genesis if there was no event to check.
    public let link: ChainDigest

    /// The first hundred differences from the chain, in the order of the log; empty if the log is intact.
    public let findings: [VerificationReport.Finding]

    /// Whether every event is unchanged since its link was computed.
    public var isIntact: Bool { findings.isEmpty }

    /// The number of events from the start of the chain to ``through``.
    public var events: UInt64 { through < chain.start ? 0 : through.value - chain.start.value + 1 }

    /// Creates a report on the events of a chain up to and including `through`, whose link is `link`.
    public init(chain: Chain, through: Position, link: ChainDigest, findings: [VerificationReport.Finding]) {
        self.chain = chain
        self.through = through
        self.link = link
        self.findings = findings
    }
}

extension ChainedEventStore {
    /// Recomputes the chain from the events of the store, and compares it with the stored links.
    ///
    /// Finds every change of a stored event or link, and events that were removed, inserted or reordered. It cannot
    /// find a change if an attacker also recomputed all later links, or that the end of the log was cut off. Only a
    /// signed head that was published before shows these. Reads the log once, in pages.
    /// - Parameter progress: called at intervals with the position that was reached.
    /// - Returns: `nil` if the store keeps no chain.
    /// - Throws: the errors of the store, except for damaged events, which are findings; `CancellationError`.
    public func verifyChain(
        progress: @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> ChainReport? {
        guard let chain = try await chain() else { return nil }
        var walk = ChainWalk(self, links: self, chain: chain)
        return try await walk.run(through: try await head(), progress)
    }
}
