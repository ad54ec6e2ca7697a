#if Postgres
import SillokCore
import SillokIndex

/// The distinct query items of a group's conditions, called watches, and the events of the group that match them.
///
/// A condition must see the earlier events of its group. An index by stream, category, type and tag finds these events:
/// a watch is compared only with the events of its rarest part.
struct GroupWatches {
    /// An item that a condition watches. Indexes start at 1, as in SQL. Watch 0 means only a mark of the log.
    struct Condition {
        let request: Int32
        let watch: Int32
        let since: Int64
        let mark: EventID?
    }

    /// The last event of a request that matches a watch.
    struct Hit: Hashable {
        let request: Int32
        let place: Int32
        let watch: Int32
    }

    private(set) var items: [EventQuery.Item] = []
    private(set) var conditions: [Condition] = []
    /// The hits, in the order of the requests.
    private(set) var hits: [Hit] = []
    /// The number of comparisons of an event with an item.
    private(set) var comparisons = 0
    /// Whether the comparisons exceed ``mostComparisons``. Then `hits` are incomplete, and the group must be divided.
    private(set) var isTooLarge = false
    static let mostComparisons = 100_000

    /// The last request whose condition has the watch.
    private var lastUse: [Int32] = []

    init(_ appends: [PreparedAppend]) {
        var numbers: [EventQuery.Item: Int32] = [:]
        for (index, append) in appends.enumerated() {
            let (request, held) = (Int32(index + 1), append.condition.heldThrough)
            for part in append.condition.parts {
                let item = part.item.normalized
                let watch = numbers[item] ?? Int32(items.count + 1)
                if watch > items.count {
                    numbers[item] = watch
                    items.append(item)
                    lastUse.append(0)
                }
                lastUse[Int(watch) - 1] = request
                let isHeld = held.map { part.since <= $0 } ?? false
                conditions.append(
                    Condition(
                        request: request, watch: watch, since: max(part.since, held ?? 0),
                        mark: isHeld ? append.mark?.id : part.seen.id))
            }
            // A condition that was judged before was also compared with the marks.
            let rest = held == nil ? Set(append.condition.marks).subtracting(append.condition.parts.map(\.seen)) : []
            conditions += rest.map { mark in
                Condition(request: request, watch: 0, since: Int64(clamping: mark.position.value), mark: mark.id)
            }
        }
        if appends.count > 1, !items.isEmpty { compare(EventIndex(appends)) }
    }

    private mutating func compare(_ events: EventIndex) {
        for (index, item) in items.enumerated() {
            var last: Hit?
            for event in events.candidates(for: item) where event.request < lastUse[index] {
                comparisons += 1
                if comparisons > Self.mostComparisons {
                    isTooLarge = true
                    return
                }
                guard
                    item.matches(stream: event.entry.stream, type: event.entry.event.type, tags: event.entry.event.tags)
                else { continue }
                if let last, last.request != event.request { hits.append(last) }
                last = Hit(request: event.request, place: event.place, watch: Int32(index + 1))
            }
            if let last { hits.append(last) }
        }
        hits.sort { $0.request < $1.request }
    }
}

/// An index of the events of a group by the parts of query items.
private struct EventIndex {
    struct Event {
        let request: Int32
        let place: Int32
        let entry: AppendRequest.Entry
    }

    private enum Key: Hashable {
        case stream(StreamID), category(StreamCategory), type(EventType), tag(EventTag)
    }

    private var all: [Event] = []
    private var numbers: [Key: [Int]] = [:]

    init(_ appends: [PreparedAppend]) {
        for (index, append) in appends.enumerated() {
            for (place, entry) in append.request.entries.enumerated() {
                let number = all.count
                all.append(Event(request: Int32(index + 1), place: Int32(place + 1), entry: entry))
                numbers[.type(entry.event.type), default: []].append(number)
                for tag in entry.event.tags { numbers[.tag(tag), default: []].append(number) }
                guard let stream = entry.stream else { continue }
                numbers[.stream(stream), default: []].append(number)
                numbers[.category(stream.category), default: []].append(number)
            }
        }
    }

    /// Returns the events of the rarest part of an item, in their order.
    func candidates(for item: EventQuery.Item) -> [Event] {
        var rarest: [Int]?
        func consider(_ found: [Int]) { if found.count < rarest?.count ?? .max { rarest = found } }
        if let stream = item.stream { consider(numbers[.stream(stream)] ?? []) }
        if let category = item.category { consider(numbers[.category(category)] ?? []) }
        for tag in item.tags { consider(numbers[.tag(tag)] ?? []) }
        if !item.types.isEmpty {
            let lists = item.types.map { numbers[.type($0)] ?? [] }
            consider(lists.count == 1 ? lists[0] : lists.flatMap(\.self).sorted())
        }
        return rarest?.map { all[$0] } ?? all
    }
}
#endif
