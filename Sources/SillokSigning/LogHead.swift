public import SillokChain
public import SillokCore

/// The end of a log at a time. It is small enough to publish anywhere, and it proves that no event before it was
/// altered afterwards.
public struct LogHead: Hashable, Sendable {
    /// The chain it belongs to.
    public let chain: Chain

    /// The last event that it covers, and its link.
    public let link: ChainLink

    /// The time of signing, as given by the signer.
    public let signedAt: Timestamp

    /// Links of some earlier positions, in order. They are not needed to detect a change. They limit the range that
    /// contains the change, even if the attacker recomputed all later links.
    public let marks: [ChainLink]

    /// Creates a head at `link`, without a signature.
    public init(chain: Chain, link: ChainLink, signedAt: Timestamp, marks: [ChainLink] = []) {
        self.chain = chain
        self.link = link
        self.signedAt = signedAt
        self.marks = marks
    }
}

extension ChainedEventStore {
    /// Returns the current head of the log from the stored links, or `nil` if the store keeps no chain.
    ///
    /// It trusts the stored links: call `verifyChain(progress:)` before you sign the head.
    /// - Parameters:
    ///   - signedAt: the current time.
    ///   - marks: the maximum number of earlier links in the head, spread evenly over the log.
    public func logHead(signedAt: Timestamp, marks: Int = 0) async throws -> LogHead? {
        guard let chain = try await chain() else { return nil }
        let head = try await head()
        guard head >= chain.start else {
            let link = ChainLink(position: chain.start.previous, digest: chain.genesis)
            return LogHead(chain: chain, link: link, signedAt: signedAt)
        }
        guard let link = try await link(at: head) else {
            throw StoreError(.corrupt, "the event at position \(head) has no link in the chain.")
        }
        return LogHead(
            chain: chain, link: link, signedAt: signedAt,
            marks: try await self.marks(UInt64(clamping: marks), of: chain, before: head))
    }

    private func marks(_ count: UInt64, of chain: Chain, before head: Position) async throws -> [ChainLink] {
        let events = head.value - chain.start.value
        guard count > 0, events > 0 else { return [] }
        let step = max(1, (events + count - 1) / count)
        var marks: [ChainLink] = []
        var position = chain.start.previous
        while position < head.previous {
            // Every link of a page when they are close together, else one by one.
            let isClose = step < 64
            if !isClose { position = Position(min(head.value, position.value + step) - 1) }
            let page = try await links(after: position, limit: isClose ? limits.pageEvents : 1)
            guard let last = page.last else { break }
            marks += page.filter {
                $0.position < head && (($0.position.value - chain.start.value + 1).isMultiple(of: step) || !isClose)
            }
            position = last.position
        }
        return marks
    }
}

extension EventStore {
    /// Checks that the log still matches a signed head. It computes the chain from the events up to the position of the
    /// head.
    ///
    /// The store needs no chain: you can compare a copy of the log, with the same positions and times, with the head of
    /// the original. If the store keeps the same chain, its links help to name the first event that differs.
    /// - Parameters:
    ///   - signed: the head, as it was published.
    ///   - key: the key whose signature is trusted.
    ///   - progress: called at intervals with the progress.
    /// - Throws: ``InvalidSignature`` if it was not signed with that key; the errors of the store; `CancellationError`.
    public func check(
        _ signed: SignedHead, signedBy key: VerifyingKey, progress: @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> ChainReport {
        guard signed.isSigned(by: key) else { throw InvalidSignature(publicKey: key) }
        return try await check(signed.head, progress: progress)
    }

    /// Checks that the log matches a head that is not signed yet.
    ///
    /// - Throws: the errors of the store; `CancellationError`.
    public func check(
        _ head: LogHead, progress: @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> ChainReport {
        let chained = self as? any ChainedEventStore
        let isSame = try await chained?.chain() == head.chain
        var walk = ChainWalk(
            self, links: isSame ? chained : nil, chain: head.chain, told: head.marks + [head.link])
        return try await walk.run(through: head.link.position, progress)
    }
}
