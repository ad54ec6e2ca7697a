package import SillokChain
public import SillokCore
import SillokIndex
package import SillokThreads

/// The reads of a store on a disk: a few threads with a reader each, and the signal that wakes those who wait for
/// events.
package final class StoreReads<Reader: StoredLog>: Sendable {
    /// What the thread that appends announces its events to.
    package let signal: HeadSignal
    /// The threads that read.
    package let readers: ReaderPool<Reader>
    /// The checks and backups that run.
    package let longWork = RunningRequests(closed: .storeClosed)
    /// Looks for what another process writes; `nil` if this process writes.
    private let watch: LogWatch?
    private let limits: Limits

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - readers: each belongs to its thread from now on.
    ///   - isFollowing: whether only other processes write to the store.
    ///   - reported: what a failure of the storage is reported as.
    ///   - readPage: how a reader reads a page.
    package init(
        _ readers: sending [Reader], _ limits: Limits, announcedBy signal: HeadSignal, isFollowing: Bool,
        reported: @escaping @Sendable (any Error) -> any Error, readPage: @escaping ReaderPool<Reader>.PageReading
    ) {
        (self.signal, self.limits) = (signal, limits)
        let pool = ReaderPool(readers, reported: reported, readPage: readPage)
        self.readers = pool
        watch = isFollowing ? LogWatch(signal, every: .milliseconds(50)) { try await pool.page($0) } : nil
    }

    /// Reads one page of events.
    package func page(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        let batch = try await readers.page(request)
        signal.note(batch.head)
        return batch
    }

    /// Returns the position of the last event. It is never lower than the head of an earlier read.
    package func head() async throws -> Position {
        if watch == nil { return try signal.current() }
        return try await read { Position(UInt64(clamping: try $0.head())) }
    }

    /// Waits until the log may have an event of a query at or after `position`.
    package func reach(_ position: Position, for query: EventQuery) async throws {
        guard let watch else { return try await signal.reach(position, for: query) }
        try await watch.reach(position, for: query)
    }

    /// Returns the event with an id, or `nil`.
    package func event(_ id: EventID) async throws -> RecordedEvent? {
        let event = try await read { try $0.event(id) }
        if let event { signal.note(event.position) }
        return event
    }

    /// Returns the facts about a stream, or `nil` if it has no events.
    package func stream(_ id: StreamID) async throws -> StreamFacts? {
        let facts = try await read { try $0.facts(of: id) }
        if let facts { signal.note(facts.lastPosition) }
        return facts
    }

    /// Returns streams ordered by the bytes of their names.
    package func streams(
        in category: StreamCategory?, after name: StreamID?, limit: Int
    ) async throws -> [StreamFacts] {
        try limits.checkStreams(in: category, after: name, limit: limit)
        return try await read { try $0.streams(in: category, after: name, limit: limit) }
    }

    /// Returns the position up to which a source was consumed, or `nil`.
    package func tracking(of source: TrackingSource) async throws -> Tracking? {
        try await read { try $0.tracked(source) }
    }

    /// Returns the links of the hash chain after a position.
    package func links(after position: Position, limit: Int) async throws -> [ChainLink] {
        try limits.checkStreams(in: nil, after: nil, limit: limit)
        return try await read { try $0.links(after: position, limit: limit) }
    }

    /// Runs `body`, which takes only a moment and sees one snapshot, on one of the threads.
    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (Reader) throws -> Result
    ) async throws -> Result {
        try await readers.read { reader, _ in try reader.reading { try body(reader) } }
    }

    /// Judges the condition of an append on a snapshot. The thread that appends then judges the later events.
    package func judge(_ prepared: PreparedAppend) async throws -> PreparedAppend {
        do {
            return try prepared.judged(
                try await readers.read(.long) { reader, cancellation in
                    try reader.verdict(on: prepared.condition, of: prepared.request, cancellation)
                }, limits: limits)
        } catch is CancellationError {
            throw StoreError.cancelledJudging
        }
    }

    /// Ends waits and long work, finishes running reads, and returns when the threads have ended.
    package func close() async {
        signal.fail(StoreError.storeClosed)
        await longWork.close()
        await readers.close(refusing: StoreError.storeClosed)
    }

    /// Refuses new calls and lets the threads end by themselves.
    package func abandon() {
        signal.fail(StoreError.storeClosed)
        longWork.cancel()
        readers.abandon(refusing: StoreError.storeClosed)
    }
}

extension StoreError {
    /// The error of a call after the end of a store.
    @usableFromInline package static let storeClosed = StoreError(.closed, "the store is closed.")
}
