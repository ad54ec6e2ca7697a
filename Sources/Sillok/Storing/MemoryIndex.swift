import SillokCore
import SillokIndex

/// The positions of the events of each stream, category, type and tag of a log in memory.
struct MemoryIndex {
    private(set) var positions: [IndexTerm: [Int64]] = [:]

    /// Adds an event. Its position must be higher than all earlier ones.
    mutating func add(_ event: RecordedEvent) {
        let position = Int64(clamping: event.position.value)
        for tag in Set(event.tags) { positions[.tag(tag), default: []].append(position) }
        positions[.type(event.type), default: []].append(position)
        guard let stream = event.stream else { return }
        positions[.stream(stream), default: []].append(position)
        positions[.category(stream.category), default: []].append(position)
    }

    /// Returns the position of a revision of a stream, or `nil`.
    func position(of revision: Revision, in stream: StreamID) -> Int64? {
        guard revision != .none, let own = positions[.stream(stream)] else { return nil }
        let index = Int(clamping: revision.value) - 1
        return index < own.count ? own[index] : nil
    }
}

/// One state of a log in memory, for plans and conditions.
final class MemoryLog: ConditionLog {
    private let state: MemoryEventStore.State

    init(_ state: MemoryEventStore.State) { self.state = state }

    func positions(of term: IndexTerm, _ budget: StepBudget) throws -> (any PositionSource)? {
        try budget.spend(1)
        return state.index.positions[term].map { MemoryPositions($0) }
    }

    func revision(of stream: StreamID, _ budget: StepBudget) throws -> Revision {
        try budget.spend(1)
        return state.revisions[stream] ?? .none
    }

    func position(after revision: Revision, of stream: StreamID) throws -> Int64? {
        state.index.position(of: revision.next, in: stream)
    }

    func event(at position: Int64) throws -> RecordedEvent { state.events[Int(position) - 1] }
}

/// The positions of one term in memory.
private final class MemoryPositions: PositionSource {
    private let positions: [Int64]

    init(_ positions: [Int64]) { self.positions = positions }

    func read(
        from bound: Int64, _ direction: ReadRequest.Direction, limit: Int, into found: inout [Int64]
    ) throws -> Int {
        switch direction {
        case .forward:
            let first = positions.countOfFirst { $0 < bound }
            found += positions[first...].prefix(limit)
        case .backward:
            let end = positions.countOfFirst { $0 <= bound }
            found += positions[..<end].suffix(limit).reversed()
        }
        return 1
    }
}

extension Array {
    /// Returns the number of leading elements for which a condition holds. It must hold for no later element.
    fileprivate func countOfFirst(where isLow: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = low + (high - low) / 2
            if isLow(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension ReadRequest {
    /// Returns the lowest and the highest position within the bounds.
    func range(of events: [RecordedEvent], _ index: MemoryIndex) -> (low: Int64, high: Int64) {
        let stream = query.items.first?.stream
        let head = Int64(events.count)
        var (low, high): (Int64, Int64) = (1, head)
        switch after {
        case .position(let position)?: low = min(Int64(clamping: position.value), head) + 1
        case .mark(let mark)?: low = min(Int64(clamping: mark.position.value), head) + 1
        case .time(let time)?: low = Int64(events.countOfFirst { $0.recordedAt <= time }) + 1
        case .revision(let revision)?:
            let place = stream.flatMap { index.position(of: revision, in: $0) }
            low = (revision == .none ? 0 : place ?? head) + 1
        case nil: break
        }
        switch before {
        case .position(let position)?: high = min(head, Int64(clamping: position.value) - 1)
        case .mark(let mark)?: high = min(head, Int64(clamping: mark.position.value) - 1)
        case .time(let time)?: high = Int64(events.countOfFirst { $0.recordedAt < time })
        case .revision(let revision)?:
            let place = stream.flatMap { index.position(of: revision, in: $0) }
            high = revision == .none ? 0 : place.map { $0 - 1 } ?? head
        case nil: break
        }
        return (low, high)
    }
}
