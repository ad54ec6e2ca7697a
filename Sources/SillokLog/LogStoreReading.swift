public import SillokChain
public import SillokCore
import SillokSegments
import SillokStorage
import SillokThreads

extension LogEventStore {
    /// Reads one page of events.
    public func read(_ request: ReadRequest) async throws -> EventBatch { try await reads.page(request) }

    /// Returns the position of the last event.
    ///
    /// A store that is open for writing keeps it in memory. The result is never lower than the head of an earlier read.
    /// A store that was opened as read-only reads it from the folder.
    public func head() async throws -> Position { try await reads.head() }

    /// Waits until the log may have an event of a query at or after `position`.
    ///
    /// A store that was opened as read-only checks the folder every 50 milliseconds, because another process writes to
    /// it.
    public func reach(_ position: Position, for query: EventQuery) async throws {
        try await reads.reach(position, for: query)
    }

    /// Returns the event with an id, or `nil`.
    public func event(_ id: EventID) async throws -> RecordedEvent? { try await reads.event(id) }

    /// Returns the facts about a stream, or `nil` if it has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? { try await reads.stream(id) }

    /// Returns streams ordered by the bytes of their names.
    public func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await reads.streams(in: category, after: name, limit: limit)
    }

    /// Returns the position up to which a source was consumed into this store, or `nil` if nothing of it was consumed.
    public func tracking(of source: TrackingSource) async throws -> Tracking? { try await reads.tracking(of: source) }

    /// Returns the hash chain of the log, or `nil` if the store keeps none.
    public func chain() async throws -> Chain? {
        try await reads.read { [identity] _ in identity.chainStart.map { Chain(of: identity.store, from: $0) } }
    }

    /// Returns the links of the hash chain after a position.
    public func links(after position: Position, limit: Int) async throws -> [ChainLink] {
        try await reads.links(after: position, limit: limit)
    }
}

extension LogEventStore: ByteReadableStore {
    package func readBytes<Output: Sendable>(
        _ request: ReadRequest, _ make: @escaping @Sendable (PageReading) throws -> Output
    ) async throws -> Output {
        try limits.check(request)
        let (output, head) = try await reads.readers.read { reader, cancellation in
            (try reader.readablePage(request, cancellation, make), Position(UInt64(clamping: reader.head())))
        }
        reads.signal.note(head)
        return output
    }
}
