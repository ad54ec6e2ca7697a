package import SillokCore

/// Walks a log along its chain: computes link after link from the events, and compares.
///
/// If the store keeps links, the walk continues after an event that does not match its link. It checks the next event
/// against the stored link, so that it reports each changed event and not only the first.
package struct ChainWalk {
    private let store: any EventStore
    /// Where the links are kept, if they are.
    private let stored: (any ChainedEventStore)?
    private let chain: Chain
    /// Links from another source, in the order of the log: the last one that was passed, and the later ones.
    private var told: ArraySlice<ChainLink>
    private var lastTold: Position
    /// What the link before the next event may be: one value, or two after an event that differs from its stored link,
    /// the computed one first.
    private var previous: [ChainDigest]
    private var position: Position
    private var findings: [VerificationReport.Finding] = []
    private static let maximumFindings = 100

    package init(
        _ store: any EventStore, links stored: (any ChainedEventStore)?, chain: Chain, told: [ChainLink] = []
    ) {
        self.store = store
        self.stored = stored
        self.chain = chain
        self.told = told[...]
        position = chain.start.previous
        lastTold = position
        previous = [chain.genesis]
    }

    /// Walks to a position, or to the end of the log if that comes first.
    package mutating func run(
        through end: Position, _ progress: @Sendable (WorkProgress) -> Void
    ) async throws -> ChainReport {
        let total = end < chain.start ? 0 : end.value - chain.start.value + 1
        while position < end, !isFull {
            let request = ReadRequest(
                .all, after: .position(position), before: .position(end.next), limit: store.limits.pageEvents)
            guard let page = try await page(request) else { continue }
            if page.events.isEmpty {
                find(position.next, "the log ends before position \(end)")
                break
            }
            try await take(page.events)
            progress(WorkProgress(step: "chain", done: position.value - chain.start.value + 1, total: total))
            try Task.checkCancellation()
        }
        findings.sort { ($0.position ?? .start) < ($1.position ?? .start) }
        return ChainReport(
            chain: chain, through: position, link: previous.first ?? chain.genesis, findings: findings)
    }

    private var isFull: Bool { findings.count >= Self.maximumFindings }

    /// Returns a page, or `nil` if it contains a damaged event: this is then a finding, and the walk continues after
    /// it.
    private mutating func page(_ request: ReadRequest) async throws -> EventBatch? {
        do {
            return try await store.read(request)
        } catch let error as StoreError where error.code == .corrupt {
            guard request.limit > 1 else {
                find(position.next, error.message)
                try await skip(to: position.next)
                return nil
            }
            // The events before the damaged one, one by one, then that one.
            var single = request
            single.limit = 1
            var isWhole = true
            while isWhole, !isFull {
                single.after = .position(position)
                guard let page = try await self.page(single) else {
                    isWhole = false
                    break
                }
                if page.events.isEmpty { return page }
                try await take(page.events)
            }
            return nil
        }
    }

    /// Continues after events that cannot be read, from the stored link if there is one.
    private mutating func skip(to position: Position) async throws {
        self.position = position
        previous = try await stored?.link(at: position).map { [$0.digest] } ?? []
    }

    private mutating func take(_ events: [RecordedEvent]) async throws {
        var links = try await links(through: events.last?.position ?? position)[...]
        for event in events where !isFull {
            if event.position != position.next {
                find(position.next, "the log continues with the event at position \(event.position)")
                try await skip(to: event.position.previous)
            }
            position = event.position
            while let link = links.first, link.position < position { links.removeFirst() }
            let link = links.first.flatMap { $0.position == position ? $0.digest : nil }
            check(event, link)
        }
    }

    /// The stored links up to a position; more than one page where events are missing and their links are not.
    private func links(through end: Position) async throws -> [ChainLink] {
        guard let stored else { return [] }
        var links: [ChainLink] = []
        var position = position
        while position < end {
            let limit = min(end.value - position.value, UInt64(clamping: stored.limits.pageEvents))
            let page = try await stored.links(after: position, limit: Int(limit))
            guard let last = page.last else { break }
            links += page
            position = last.position
        }
        return links
    }

    private mutating func check(_ event: RecordedEvent, _ link: ChainDigest?) {
        let fact = event.factDigest
        let computed = previous.map { Chain.link(after: $0, position, event.revision, event.recordedAt, fact) }
        switch link {
        case let link? where computed.contains(link):
            // The next link from the other source decides which of several branches is the true one.
            previous = told.isEmpty ? [link] : computed
        case let link?:
            // Where the link before is not known, nothing can be said of this event.
            if !computed.isEmpty { find(position, "the event or its link does not match the chain") }
            previous = computed.prefix(1) + [link]
        case nil:
            if stored != nil { find(position, "the event has no link in the chain") }
            previous = computed
        }
        compareWithTold(link)
    }

    /// Compares the chain with a link of this position from another source.
    private mutating func compareWithTold(_ link: ChainDigest?) {
        // Those of events that could not be read have been passed.
        while let passed = told.first, passed.position < position { told.removeFirst() }
        guard let next = told.first, next.position == position else { return }
        told.removeFirst()
        let first = lastTold.next
        lastTold = position
        let isAsTold = previous.contains(next.digest)
        previous = [next.digest] + [link].compactMap(\.self).filter { $0 != next.digest }
        if isAsTold || findings.contains(where: { ($0.position ?? .start) >= first }) { return }
        find(
            first,
            first == position
                ? "the event does not match the signed head"
                : "an event from this position to position \(position) does not match the signed head")
    }

    private mutating func find(_ position: Position, _ message: String) {
        if !isFull { findings.append(.init(position: position, message)) }
    }
}
