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

    /// Whether every event is what it was when its link was made.
    public var isIntact: Bool { findings.isEmpty }

    /// How many events the chain covers.
    public var events: UInt64 { through < chain.start ? 0 : through.value - chain.start.value + 1 }

    /// A report with all of its parts.
    public init(chain: Chain, through: Position, link: ChainDigest, findings: [VerificationReport.Finding]) {
        self.chain = chain
        self.through = through
        self.link = link
        self.findings = findings
    }
}

extension ChainedEventStore {
    /// Computes the chain anew from the events that the store gives, and compares it with the links that it keeps.
    ///
    /// Finds every change of a stored event or link, and events that were removed, inserted or put into another order,
    /// unless whoever did it has made all later links anew: only a signed head that was published before shows that, and
    /// only it shows that the end of the log was cut off. Reads the log once, in pages.
    /// - Parameter progress: told now and then how far it has come.
    /// - Returns: `nil` if the store keeps no chain.
    /// - Throws: what the store throws, but for damaged events, which are findings; `CancellationError`.
    public func verifyChain(
        progress: @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> ChainReport? {
        guard let chain = try await chain() else { return nil }
        var walk = ChainWalk(self, links: self, chain: chain)
        return try await walk.run(through: try await head(), progress)
    }
}
