import NIOCore
public import NIOSSL
public import SillokCore
import SillokWire

/// A store on a server: the same seam, promises and errors as a store in a file, over the network.
///
/// ```swift
/// let store = try await RemoteEventStore("sillok://127.0.0.1:50051")
/// ```
///
/// One HTTP/2 connection carries all calls at once; it is made anew when it breaks. Every call is repeated with the same
/// ids until the server answers or the patience is over, so that a server which starts again costs time and no error. An
/// append whose fate is not known by then ends in a ``StoreError`` that says so.
public final class RemoteEventStore: EventStore {
    /// How a client behaves.
    public struct Options: Sendable {
        /// The key that the server knows the caller by.
        public var token: String?
        /// Whom to trust with `https`; the system's authorities unless given. Must offer `h2`.
        public var tls: NIOSSLContext?
        /// How long a call is repeated before it fails: 30 seconds.
        public var patience = Duration.seconds(30)
        /// How long one attempt may take: 10 seconds.
        public var attempt = Duration.seconds(10)
        /// The pause after the first failed attempt; it doubles up to a second: 20 milliseconds.
        public var pause = Duration.milliseconds(20)

        /// The defaults.
        public init() {}
    }

    /// The limits that the server's store holds requests to.
    public let limits: Limits

    /// Where the server is.
    public let address: ServerAddress

    private let id: StoreID
    private let caller: Caller

    /// Connects to a server.
    ///
    /// - Parameters:
    ///   - address: `sillok://host:port`, or `https://host:port` for TLS.
    ///   - options: the key, whom to trust, and how long to try.
    ///   - clock: what measures pauses and patience.
    ///   - random: spreads the pauses of many clients.
    /// - Throws: `StoreError`: `notFound` if the address is none, `unavailable` if no server answers, `accessDenied`.
    public init(
        _ address: String, _ options: Options = Options(), clock: any Clock<Duration> = ContinuousClock(),
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) async throws {
        guard let parsed = ServerAddress(address) else {
            throw StoreError(.notFound, "\(address) is no address of a server: write sillok://host:port.")
        }
        self.address = parsed
        let connector = Connector(address: parsed, options: options)
        caller = Caller(connector: connector, options: options, clock: clock, random: random)
        do {
            (id, limits) = try await caller.ask("Describe", Remote.message(), Remote.Description.self)
        } catch {
            await connector.close()
            throw error
        }
        connector.expect(id)
    }

    /// Closes the connection. Calls that are made later fail.
    public func close() async { await caller.close() }

    /// The identity of the server's store.
    public func storeID() async throws -> StoreID { id }

    /// Records events: all of them or none, under a condition, durably before it returns.
    ///
    /// - Throws: `AppendError`: what the server's store throws, and `failed` with `unavailable` when the patience is
    ///   over. What an inline projection on the server refuses is `failed` with `refused`.
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        do { return try await record(request) } catch { throw AppendError(error) }
    }

    private func record(_ request: AppendRequest) async throws -> Receipt {
        try limits.check(request)
        let receipt = try await caller.ask("Append", Remote.message(request), Remote.Appended.self, isAppend: true)
        guard receipt.mark.id == nil else { return receipt }
        // A server of an older version does not say which event is the last.
        return Receipt(
            firstPosition: receipt.firstPosition,
            mark: EventMark(position: receipt.position, id: request.entries.last?.event.id),
            revisions: receipt.revisions, recordedAt: receipt.recordedAt)
    }

    /// Reads one page of events.
    public func read(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        let batch = try await caller.ask("Read", Remote.message(request), Remote.Page.self)
        // A server of an older version does not compare marks.
        try request.check(batch)
        return batch
    }

    /// The position of the last event.
    public func head() async throws -> Position {
        Position(try await caller.ask("Head", Remote.message(), Remote.Number.self) ?? 0)
    }

    /// Waits until the head is at or past `position`.
    public func reach(_ position: Position) async throws {
        while true {
            try Task.checkCancellation()
            let head = try await caller.ask("Reach", Remote.message(position), Remote.Number.self)
            if head ?? 0 >= position.value { return }
        }
    }

    /// The event of an id, or `nil`.
    public func event(_ id: EventID) async throws -> RecordedEvent? {
        try await caller.ask("GetEvent", Remote.message(id), Remote.FoundEvent.self)
    }

    /// What is known of a stream, or `nil` if it has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? {
        try await caller.ask("GetStream", Remote.message(id.text), Remote.FoundStreams.self).first
    }

    /// Streams in the order of their names' bytes.
    public func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try limits.checkStreams(in: category, after: name, limit: limit)
        let request = Remote.message(category, after: name, limit: limit)
        return try await caller.ask("ListStreams", request, Remote.FoundStreams.self)
    }

    /// How far a source has been consumed into this store, or `nil`.
    public func tracking(of source: TrackingSource) async throws -> Tracking? {
        try await caller.ask("GetTracking", Remote.message(source.text), Remote.FoundTracking.self).map {
            Tracking(source: source, position: $0.position, event: $0.event)
        }
    }
}
