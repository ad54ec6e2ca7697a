import SillokCore
import SillokStorage

/// A part of the index in memory: the entries, new streams and tracked positions of consecutive events.
///
/// The thread that appends adds to it until it is full. Then it does not change any more. It is dropped when the index
/// file has all of it.
final class IndexPart: Sendable {
    /// The contents of a part.
    struct Contents: Sendable {
        var tail: IndexTail
        /// The streams whose first events are in the part.
        var streams: Set<StreamID> = []
        var tracking: [TrackingSource: Tracking] = [:]
    }

    /// The last position before the part.
    let start: Int64
    let contents: Lock<Contents>

    /// - Parameter capacity: the usual number of entries.
    init(after start: Int64, capacity: Int) {
        self.start = start
        var tail = IndexTail(capacity: capacity)
        tail.restart(after: start)
        contents = Lock(Contents(tail: tail))
    }

    /// The number of entries.
    var count: Int { contents.withLock { $0.tail.entries.count } }
}

/// The state of the log for readers: the last durable position, and the parts of the index that its file does not have.
struct LogView: Sendable {
    /// The last position that readers see.
    var head: Int64
    /// The parts in the order of positions; the last one grows. Together they cover all events after ``start``.
    var parts: [IndexPart]
    /// The events before ``start`` that the index file does not have yet, while it is rebuilt.
    var gap: IndexGap?
    /// The number of files that have replaced a damaged one.
    var file = 0

    /// The parts have no entries up to here.
    var start: Int64 { parts.first?.start ?? head }

    /// The index file has all entries up to here.
    var indexed: Int64 { gap?.start ?? start }
}

/// The view of readers, which the thread that appends and the one that moves entries replace.
final class SharedView: Sendable {
    private let state: Lock<LogView>

    init(_ view: LogView) { state = Lock(view) }

    /// The view of now.
    var current: LogView { state.withLock { $0 } }

    /// Runs `body` and shows the events up to a position: no reader sees the one without the other.
    func publish(_ head: Int64, with body: () -> Void = {}) {
        state.withLock { view in
            body()
            view.head = max(view.head, head)
        }
    }

    /// Adds an empty part, which takes the entries of later events.
    func add(_ part: IndexPart) { state.withLock { $0.parts.append(part) } }

    /// Removes the first part, because the index file has its entries.
    func removeFirst(_ part: IndexPart) {
        state.withLock { view in
            if view.parts.count > 1, view.parts.first === part { view.parts.removeFirst() }
        }
    }

    /// Changes the view.
    func update(_ body: (inout LogView) -> Void) { state.withLock { body(&$0) } }
}
