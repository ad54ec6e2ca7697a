public import SillokCore

/// The progress of a projection, and a sum of all events that it has handled, for comparison with the log.
public struct Checkpoint: Hashable, Sendable {
    /// The store that the events come from.
    public let store: StoreID

    /// The mark up to which the projection has handled all of its events. It has no id if an older version wrote the
    /// checkpoint; the next write adds one.
    public private(set) var mark: EventMark

    /// The position of ``mark``.
    public var position: Position { mark.position }

    /// The number of events that were handled: projected, or parked as dead letters.
    public private(set) var count: UInt64

    /// A sum over the ids and positions of the handled events. The sums of partitions add up to the sum of all.
    public private(set) var sum: UInt64

    /// Creates a checkpoint at a position whose event is not known; by default before the first event.
    public init(store: StoreID, position: Position = .start, count: UInt64 = 0, sum: UInt64 = 0) {
        self.init(store: store, mark: EventMark(position: position, id: nil), count: count, sum: sum)
    }

    /// Creates a checkpoint at a known event.
    public init(store: StoreID, mark: EventMark, count: UInt64, sum: UInt64) {
        self.store = store
        self.mark = mark
        self.count = count
        self.sum = sum
    }

    /// Counts one more event, which must lie behind the checkpoint.
    package mutating func take(_ event: RecordedEvent) {
        mark = EventMark(event)
        count &+= 1
        sum &+= Checkpoint.hash(of: event.id, at: event.position)
    }

    /// Moves on over events that do not concern the projection.
    package mutating func pass(_ mark: EventMark) {
        let isFurther = mark.position > position || (mark.position == position && self.mark.id == nil)
        if isFurther { self.mark = mark }
    }

    /// What an event adds to the sum.
    package static func hash(of event: EventID, at position: Position) -> UInt64 {
        UInt64(0).mixed(with: position.value).mixed(with: event.high).mixed(with: event.low)
    }
}
