/// One part of an event by which a waiting reader is found. An event has several.
package enum WakeUpKey: Hashable, Sendable {
    /// Every event has it.
    case all
    case stream(StreamID)
    case tag(EventTag)
    case category(StreamCategory)
    case type(EventType)
}

extension EventQuery {
    /// What an event must have one of, to match.
    ///
    /// For each item that is one of its parts, as a rule the rarest: the stream, or else the first tag, the category,
    /// the types.
    package var wakeUpKeys: Set<WakeUpKey> {
        var keys: Set<WakeUpKey> = []
        for item in items {
            if let stream = item.stream {
                keys.insert(.stream(stream))
            } else if let tag = item.tags.first {
                keys.insert(.tag(tag))
            } else if let category = item.category {
                keys.insert(.category(category))
            } else if item.types.isEmpty {
                return [.all]
            } else {
                keys.formUnion(item.types.lazy.map { .type($0) })
            }
        }
        return keys
    }
}

extension Set<WakeUpKey> {
    /// Adds the keys of an event.
    package mutating func add(_ event: EventData, in stream: StreamID?) {
        insert(.all)
        insert(.type(event.type))
        for tag in event.tags { insert(.tag(tag)) }
        if let stream, insert(.stream(stream)).inserted { insert(.category(stream.category)) }
    }

    /// The keys of the events that a request records.
    package init(_ request: AppendRequest) {
        self = []
        for entry in request.entries { add(entry.event, in: entry.stream) }
    }

    /// The keys of recorded events.
    package init(_ events: [RecordedEvent]) {
        self = []
        for event in events { add(event.data, in: event.stream) }
    }
}

/// The readers that wait for events of a query: who is woken by what was appended.
///
/// An append looks up its own keys, so it costs the same however many others wait. `Reader` is what the owner wakes.
package struct Waiters<Reader> {
    private struct Waiter {
        let reader: Reader
        let position: Position
        let keys: Set<WakeUpKey>
    }

    private var waiters: [UInt64: Waiter] = [:]
    private var numbers: [WakeUpKey: Set<UInt64>] = [:]
    private var recent = RecentKeys()
    private var lastNumber: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { waiters.isEmpty }
    package var count: Int { waiters.count }

    /// Adds a reader that waits for an event of `query` at or after `position`.
    ///
    /// - Returns: its number, or `nil` if such an event may be there: the reader does not wait then.
    package mutating func add(_ reader: Reader, for query: EventQuery, from position: Position) -> UInt64? {
        let keys = query.wakeUpKeys
        if recent.mayHave(keys, from: position) { return nil }
        lastNumber += 1
        waiters[lastNumber] = Waiter(reader: reader, position: position, keys: keys)
        for key in keys { numbers[key, default: []].insert(lastNumber) }
        return lastNumber
    }

    /// Removes a reader, if it still waits.
    @discardableResult
    package mutating func remove(_ number: UInt64) -> Reader? {
        guard let waiter = waiters.removeValue(forKey: number) else { return nil }
        for key in waiter.keys {
            numbers[key]?.remove(number)
            if numbers[key]?.isEmpty == true { numbers[key] = nil }
        }
        return waiter.reader
    }

    /// Removes and returns the readers that may want one of the events up to `position`, which have these keys.
    package mutating func wake(by keys: Set<WakeUpKey>, through position: Position) -> [Reader] {
        recent.note(keys, through: position)
        var due: Set<UInt64> = []
        for key in keys {
            for number in numbers[key] ?? [] where (waiters[number]?.position ?? .start) <= position {
                due.insert(number)
            }
        }
        return due.compactMap { remove($0) }
    }

    /// Removes and returns the readers that wait for any event up to `position`, whose keys are not known.
    package mutating func wakeAll(through position: Position) -> [Reader] {
        recent.noteUnknown(through: position)
        return waiters.filter { $0.value.position <= position }.keys.compactMap { remove($0) }
    }

    /// Removes and returns all readers, and forgets what was appended. The log ends at `position`.
    package mutating func reset(at position: Position) -> [Reader] {
        recent = RecentKeys()
        recent.noteUnknown(through: position)
        return removeAll()
    }

    /// Removes and returns all readers.
    package mutating func removeAll() -> [Reader] {
        defer { (waiters, numbers) = ([:], [:]) }
        return waiters.values.map(\.reader)
    }
}

/// For each key the last position at which an event may have it, so that a reader misses nothing between its last page
/// and its wait.
///
/// Takes a fixed amount of memory: keys share places. A position can be too high, which costs a read, but not too low.
private struct RecentKeys {
    private static let placesOfAKind = 4096

    private var last = Position.start
    /// The keys of the events up to here are not known.
    private var unknown = Position.start
    /// Made when the first keys are noted.
    private var places: [Position] = []

    func mayHave(_ keys: Set<WakeUpKey>, from position: Position) -> Bool {
        if position <= unknown { return !keys.isEmpty }
        if position > last { return false }
        return keys.contains { key in (Self.place(of: key).map { places[$0] } ?? last) >= position }
    }

    mutating func note(_ keys: Set<WakeUpKey>, through position: Position) {
        if places.isEmpty { places = Array(repeating: .start, count: 4 * Self.placesOfAKind) }
        last = max(last, position)
        for key in keys {
            if let place = Self.place(of: key) { places[place] = max(places[place], position) }
        }
    }

    mutating func noteUnknown(through position: Position) {
        last = max(last, position)
        unknown = max(unknown, position)
    }

    /// The place of a key; `nil` for the key of all events.
    private static func place(of key: WakeUpKey) -> Int? {
        let kind: Int
        switch key {
        case .all: return nil
        case .stream: kind = 0
        case .tag: kind = 1
        case .category: kind = 2
        case .type: kind = 3
        }
        return kind * placesOfAKind + Int(UInt(bitPattern: key.hashValue) % UInt(placesOfAKind))
    }
}
