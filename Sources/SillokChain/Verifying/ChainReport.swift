public import SillokCore

/// What came of a walk along a chain.
public struct ChainReport: Hashable, Sendable {
    /// The chain that was walked.
    public let chain: Chain

    /// The last position that was looked at; before ``Chain/start`` if there was nothing to look at.
    public let through: Position

    /// The link of ``through`` as computed from the events; the genesis if there was nothing to look at.
    public let link: ChainDigest

    /// What is not as the chain says, in the order of the log, the first hundred; empty in a log that is intact.
    public let findings: [VerificationReport.Finding]

    /// Whether every event is unchanged since its link was computed.
    public var isIntact: Bool { findings.isEmpty }

    /// How many events the chain covers.
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
    /// find them if the attacker also recomputed all later links, or cut off the end of the log. Only a signed head
    /// that was published before shows that. Reads the log once, in pages.
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
