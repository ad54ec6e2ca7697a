public import SillokCore

/// A runner that appends events of a log to another store, or events derived from them, exactly once.
///
/// ```swift
/// let archive = StorePublisher("shop", of: .category("order"), from: store, to: archiveStore)
/// try await archive.run()
/// ```
/// The other store keeps how far the publisher has come, as the tracking of a source, in the same append as the
/// events. So the publisher needs no read model. After a crash, and with several runners, each event is appended once.
///
/// Events of categories that begin with `process:`, `webhook:` or `schedule:` are left out, unless the query names such
/// a category or a stream of it.
public struct StorePublisher: Sendable {
    private let source: TrackingSource
    private let query: EventQuery
    private let store: any EventStore
    private let target: any EventStore
    private let transform: @Sendable (RecordedEvent) async throws -> [AppendRequest.Entry]

    /// Creates a publisher that appends the events unchanged, with their ids and streams. The other store gives them
    /// positions, revisions and times.
    ///
    /// - Parameters:
    ///   - source: the name of this log in the other store.
    ///   - query: the events to append.
    ///   - store: the log to read.
    ///   - target: the store to append to.
    public init(
        _ source: TrackingSource, of query: EventQuery = .all, from store: any EventStore, to target: any EventStore
    ) {
        self.init(source, of: query, from: store, to: target) { [.init(stream: $0.stream, event: $0.data)] }
    }

    /// Creates a publisher that appends what a function makes of each event, and nothing for an empty list.
    ///
    /// The function may be called again for an event. What it makes of one event must fit into one append.
    public init(
        _ source: TrackingSource, of query: EventQuery = .all, from store: any EventStore, to target: any EventStore,
        _ transform: @escaping @Sendable (RecordedEvent) async throws -> [AppendRequest.Entry]
    ) {
        self.source = source
        self.query = query
        self.store = store
        self.target = target
        self.transform = transform
    }

    /// Appends events until the task is cancelled.
    ///
    /// - Throws: errors of the function; `AppendError` of the other store; `StoreError`, with `storeChanged` if this
    ///   log does not have the event up to which it was consumed; `CancellationError`. Run it again to continue.
    public func run() async throws {
        while true {
            try Task.checkCancellation()
            let mark = try await target.tracking(of: source)?.mark ?? .start
            try await continuing {
                for try await page in store.subscribe(to: query, resumingAfter: mark) { try await append(page) }
            }
        }
    }

    /// Appends everything up to the current head of this log, and returns.
    public func catchUp() async throws {
        let head = try await store.head()
        while true {
            let mark = try await target.tracking(of: source)?.mark ?? .start
            var place = mark
            let isDone = try await continuing {
                while place.position < head {
                    let page = try await store.read(query, resumingAfter: place)
                    try await append(page)
                    if page.isEnd { break }
                    place = page.mark
                }
            }
            if isDone { return }
        }
    }

    /// Runs `body`; returns `false` if another runner was faster, or an append has an unknown outcome. Then the next
    /// run continues at the place that the other store has.
    @discardableResult
    private func continuing(_ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            return true
        } catch let error as AppendError {
            switch error {
            case .tracking: return false
            case .failed(let failure) where failure.outcome == .unknown && !Task.isCancelled: return false
            case .failed where Task.isCancelled: throw CancellationError()
            case .failed, .invalid, .conflict, .knownID, .refused: throw error
            }
        }
    }

    /// Appends a page in as few appends as the limits of the other store allow.
    private func append(_ page: EventBatch) async throws {
        let limits = target.limits
        var entries: [AppendRequest.Entry] = []
        var bytes = 0
        var last: EventMark?
        for event in page.events where event.isPublished(by: query) {
            let made = try await transform(event)
            let size = made.reduce(0) { $0 + $1.event.size + ($1.stream?.text.utf8.count ?? 0) }
            let isFull = entries.count + made.count > limits.batchEvents || bytes + size > limits.batchBytes
            if isFull, let mark = last, !entries.isEmpty {
                try await target.append(AppendRequest(entries, tracking: Tracking(source: source, mark)))
                (entries, bytes) = ([], 0)
            }
            entries += made
            bytes += size
            last = EventMark(event)
        }
        // Nothing is recorded for a page without events, so that the other store does not grow while nothing happens.
        guard last != nil else { return }
        try await target.append(AppendRequest(entries, tracking: Tracking(source: source, page.mark)))
    }
}
