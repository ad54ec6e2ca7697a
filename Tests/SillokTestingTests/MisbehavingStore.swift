import Foundation
import Sillok

/// A store that keeps every promise but one. Without a bug it passes everything through.
final class MisbehavingStore: ChainedEventStore {
    struct State {
        var opened = 1
        var firstAppends: Set<EventID> = []
        var appends = 0
        var waiters = 0
        var hidden: Set<Position> = []
        var refusedTracking: [TrackingSource: UInt64] = [:]
        var times: [Position: Timestamp] = [:]
    }

    let bug: PlantedBug?
    let base: MemoryEventStore
    let clock: WallClock
    let state = Lock(State())

    init(_ bug: PlantedBug?, place: (limits: Limits, clock: WallClock)) {
        self.bug = bug
        clock = place.clock
        var limits = place.limits
        if bug == .takesLongNames { limits.streamBytes += 1 }
        base = MemoryEventStore(limits: limits, clock: place.clock)
    }

    /// What closing and opening again does to this store.
    func reopen() { state.withLock { $0.opened += 1 } }

    var isReopened: Bool { state.withLock { $0.opened > 1 } }

    var limits: Limits {
        var limits = base.limits
        if bug == .takesLongNames { limits.streamBytes -= 1 }
        return limits
    }

    func storeID() async throws -> StoreID {
        let id = try await base.storeID()
        return bug == .changesItsIdentityAtReopen && isReopened ? StoreID(high: id.high, low: ~id.low) : id
    }

    func head() async throws -> Position {
        let head = try await base.head()
        return bug == .lagsBehindWithTheHead ? head.previous : head
    }

    func reach(_ position: Position) async throws {
        switch bug {
        case .wakesNobody:
            if try await base.head() < position { try await Task.sleep(for: .seconds(3600)) }
        case .wakesOnlyTheFirstWaiter:
            let isFirst = state.withLock { state in
                state.waiters += 1
                return state.waiters == 1
            }
            if isFirst { return try await base.reach(position) }
            if try await base.head() < position { try await Task.sleep(for: .seconds(3600)) }
        case .ignoresCancellation:
            let base = base
            try await Task.detached { try await base.reach(position) }.value
        default: try await base.reach(position)
        }
    }

    func event(_ id: EventID) async throws -> RecordedEvent? { try await base.event(id).map(shown) }

    func stream(_ id: StreamID) async throws -> StreamFacts? {
        try await base.stream(bug == .mergesNamesThatLookTheSame ? id.merged : id)
    }

    func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        let right = try await base.streams(in: category, after: name, limit: limit)
        guard bug == .listsStreamsByCharacters else { return right }
        let all = try await base.streams(in: category, after: nil, limit: limits.pageEvents)
        let sorted = all.sorted { $0.id.text < $1.id.text }
        return Array(sorted.filter { name == nil || $0.id.text > (name?.text ?? "") }.prefix(limit))
    }

    func tracking(of source: TrackingSource) async throws -> UInt64? {
        if bug == .losesTrackingAtReopen && isReopened { return nil }
        let recorded = try await base.tracking(of: source)
        let refused = state.withLock { $0.refusedTracking[source] }
        return [recorded, refused].compactMap(\.self).max()
    }

    /// Of this store only the bugs of the chain have one: other bugs would be caught by it too, and hide their own check.
    func chain() async throws -> Chain? {
        bug == nil || bug == .skipsAStepOfTheChain ? try await base.chain() : nil
    }

    func links(after position: Position, limit: Int) async throws -> [ChainLink] {
        let links = try await base.links(after: position, limit: limit)
        guard bug == .skipsAStepOfTheChain, position < 5, let chain = try await base.chain() else { return links }
        return try await linksWithoutAStep(links, chain)
    }

    /// The fifth link goes on from the third.
    private func linksWithoutAStep(_ links: [ChainLink], _ chain: Chain) async throws -> [ChainLink] {
        let all = try await base.links(after: 0, limit: limits.pageEvents)
        let events = try await base.read(.all).events
        guard events.count >= 5 else { return links }
        var last = all[2].digest
        return links.map { link in
            guard link.position >= 5 else { return link }
            last = Chain.link(after: last, to: events[Int(link.position.value) - 1])
            return ChainLink(position: link.position, digest: last)
        }
    }
}

extension Name {
    /// The name in its composed form, as a store that compares text would see it.
    var merged: Self { Self(text.precomposedStringWithCanonicalMapping) }
}
