import Foundation
import Sillok
import SillokChain

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
        if bug == .takesTimesFarAhead { limits.clockLead += .seconds(1) }
        base = MemoryEventStore(limits: limits, clock: place.clock)
    }

    /// What closing and opening again does to this store.
    func reopen() { state.withLock { $0.opened += 1 } }

    var isReopened: Bool { state.withLock { $0.opened > 1 } }

    var limits: Limits {
        var limits = base.limits
        if bug == .takesLongNames { limits.streamBytes -= 1 }
        if bug == .takesTimesFarAhead { limits.clockLead -= .seconds(1) }
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

    func reach(_ position: Position, for query: EventQuery) async throws {
        switch bug {
        case .wakesNobody:
            if try await base.head() < position { try await Task.sleep(for: .seconds(3600)) }
        case .wakesOnlyTheFirstWaiter:
            let isFirst = state.withLock { state in
                state.waiters += 1
                return state.waiters == 1
            }
            if isFirst { return try await base.reach(position, for: query) }
            if try await base.head() < position { try await Task.sleep(for: .seconds(3600)) }
        case .wakesNobodyWhoWaitsForACategory where query.items.contains { $0.category != nil }:
            try await Task.sleep(for: .seconds(3600))
        case .ignoresCancellation:
            let base = base
            try await Task.detached { try await base.reach(position, for: query) }.value
        default: try await base.reach(position, for: query)
        }
    }

    func event(_ id: EventID) async throws -> RecordedEvent? { try await base.event(id).map(shown) }

    func stream(_ id: StreamID) async throws -> StreamFacts? {
        try await base.stream(bug == .mergesNamesThatLookTheSame ? id.merged : id)
    }

    func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        let right = try await base.streams(in: category, after: name, limit: limit)
        guard bug == .listsStreamsByCharacters else { return right }
        let all = try await base.streams(in: category, after: nil, limit: limits.pageEvents)
        let sorted = all.sorted { $0.id.text < $1.id.text }
        return Array(sorted.filter { name == nil || $0.id.text > (name?.text ?? "") }.prefix(limit))
    }

    func tracking(of source: TrackingSource) async throws -> Tracking? {
        if bug == .losesTrackingAtReopen && isReopened { return nil }
        let recorded = try await base.tracking(of: source)
        let refused = state.withLock { $0.refusedTracking[source] }
        guard let refused, refused > recorded?.position ?? 0 else { return recorded }
        return Tracking(source: source, position: refused)
    }

    /// Of this store only the bugs of the chain have one: other bugs would be caught by it too, and hide their own
    /// check.
    func chain() async throws -> Chain? {
        bug == nil || bug == .skipsAStepOfTheChain ? Chain(of: try await base.storeID(), from: 1) : nil
    }

    func links(after position: Position, limit: Int) async throws -> [ChainLink] {
        try limits.checkStreams(in: nil, after: nil, limit: limit)
        guard let chain = try await chain() else { return [] }
        var links: [ChainLink] = []
        for try await page in base.pages(.all) {
            for event in page.events {
                // With the bug, the link of position 5 is computed from that of position 3.
                let skipsStep = bug == .skipsAStepOfTheChain && event.position == 5
                let previous = links.dropLast(skipsStep ? 1 : 0).last?.digest ?? chain.genesis
                links.append(
                    ChainLink(position: event.position, digest: Chain.link(after: previous, to: event)))
            }
        }
        return Array(links.drop { $0.position <= position }.prefix(limit))
    }
}

extension Name {
    /// The name in its composed form, as a store that compares text would see it.
    var merged: Self { Self(text.precomposedStringWithCanonicalMapping) }
}
