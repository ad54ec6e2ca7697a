import SillokCore
import SillokIndex
import SillokIndexFile
import SillokSegments
import SillokStorage

extension LogReader: StoredLog {
    /// Keys are hashes, so the events decide.
    var isExact: Bool { false }

    var hasGaps: Bool { !losses.isEmpty }

    func reading<Result>(_ body: () throws -> Result) throws -> Result {
        try checkFolder()
        try renew()
        return try body()
    }

    func head() -> Int64 { view.head }

    func id(at position: Position) throws -> EventID {
        if let event = pending?.event(at: Int64(clamping: position.value)) { return event.id }
        return try segments.record(at: position.value) { try $0.id }
    }

    func recorded(at position: Int64) throws -> Int64 {
        if let recorded = pending?.recorded(at: position) { return recorded }
        return try segments.recorded(at: UInt64(clamping: position))
    }

    func event(at position: Int64) throws -> RecordedEvent {
        if let event = pending?.event(at: position) { return event }
        return try segments.record(at: UInt64(clamping: position)) { try $0.event() }
    }

    func event(_ id: EventID) throws -> RecordedEvent? {
        var candidates: [Int64] = []
        try read(keys.key(id), from: 0, .forward, limit: .max / 2, into: &candidates)
        for position in candidates {
            if let event = pending?.event(at: position) {
                if event.id == id { return event }
                continue
            }
            let found = try segments.record(at: UInt64(clamping: position)) { record in
                try record.id == id ? try record.event() : nil
            }
            if let found { return found }
        }
        try requireAll("the event with the id \(id)")
        return nil
    }

    static var blockSize: Int { 256 }

    func forEach(at positions: [Int64], _ visit: (StoredEvent) throws -> Bool) throws {
        if pending != nil {
            for position in positions where try !visit(.decoded(try event(at: position))) { return }
            return
        }
        try segments.forEach(at: positions.map { UInt64(clamping: $0) }) { try visit(.bytes(try $0.bytes())) }
    }

    func facts(of stream: StreamID) throws -> StreamFacts? {
        guard let first = try event(of: stream, .forward), let last = try event(of: stream, .backward) else {
            return nil
        }
        return StreamFacts(
            id: stream, revision: last.revision, lastPosition: last.position, firstRecordedAt: first.recordedAt,
            lastRecordedAt: last.recordedAt)
    }

    func streams(after first: String, before last: String?, limit: Int) throws -> [StreamFacts] {
        var (found, bound) = ([StreamFacts](), first)
        while found.count < limit {
            let names = try streamNames(after: bound, before: last, limit: limit - found.count)
            guard let end = names.last else { break }
            // A name without an event in the view is one of a later event.
            found += try names.compactMap { try facts(of: $0) }
            bound = end.text
        }
        return found
    }

    /// Returns the names of streams in the index file and in memory, without repeats.
    private func streamNames(after first: String, before last: String?, limit: Int) throws -> [StreamID] {
        try completeIndex()
        let (lower, upper) = (StreamID(first), last.map { StreamID($0) })
        var names = Set(try reportingDamage { try table?.streams(after: first, before: last, limit: limit) ?? [] })
        try addNamesInGap(after: lower, before: upper, limit: limit, to: &names)
        for part in view.parts {
            part.contents.withLock { contents in
                for name in contents.streams where name > lower && (upper.map { name < $0 } ?? true) {
                    names.insert(name)
                }
            }
        }
        return Array(names.sorted().prefix(limit))
    }
}

extension LogReader {
    func positions(of term: IndexTerm, _ budget: StepBudget) throws -> (any PositionSource)? {
        try budget.spend(1)
        let key =
            switch term {
            case .stream(let stream): keys.key(stream)
            case .category(let category): keys.key(.category, category.text)
            case .type(let type): keys.key(.type, type.text)
            case .tag(let tag): keys.key(.tag, tag.text)
            }
        return KeyedPositions(key, self, budget)
    }

    func revision(of stream: StreamID, _ budget: StepBudget) throws -> Revision {
        try budget.spend(2 * StepBudget.lookup + StepBudget.event)
        return try event(of: stream, .backward)?.revision ?? .none
    }

    func position(after revision: Revision, of stream: StreamID) throws -> Int64? {
        try StreamSearch(stream, self).position(of: revision.next.value)
    }
}

/// The positions of one key of the index.
private final class KeyedPositions: PositionSource {
    private let key: Int64
    private let log: LogReader
    private let budget: StepBudget

    init(_ key: Int64, _ log: LogReader, _ budget: StepBudget) {
        (self.key, self.log, self.budget) = (key, log, budget)
    }

    func read(
        from bound: Int64, _ direction: ReadRequest.Direction, limit: Int, into positions: inout [Int64]
    ) throws -> Int {
        try log.read(key, from: bound, direction, limit: limit, budget, into: &positions)
    }
}
