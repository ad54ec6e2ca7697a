import NIOCore
public import NIOSSL
public import SillokCore
import SillokWire

/// A store on a server, with the same protocol, guarantees and errors as a store in a file.
///
/// ```swift
/// let store = try await RemoteEventStore("sillok://127.0.0.1:50051")
/// ```
///
/// One HTTP/2 connection carries all calls at once. Calls that wait for events, such as idle subscriptions, use
/// separate connections, so no append or read queues behind them. The store reconnects if a connection breaks. It
/// repeats every call with the same ids until the server answers or the timeout has passed. So the restart of a server
/// causes a delay and no error. If the outcome of an append is unknown by then, its `StoreError` says so.
public final class RemoteEventStore: EventStore {
    /// The options of a client.
    public struct Options: Sendable {
        /// The access key of the caller.
        public var token: String?
        /// The TLS settings for `https`; by default the system's certificate authorities are trusted. It must offer
        /// `h2`.
        public var tls: NIOSSLContext?
        /// How long a call is retried before it fails, from the time when it is made: 45 seconds, which outlast a
        /// failover.
        public var timeout = Duration.seconds(45)
        /// How long one attempt may take: 10 seconds.
        public var attempt = Duration.seconds(10)
        /// The pause after the first failed attempt: 20 milliseconds. It doubles up to a second.
        public var pause = Duration.milliseconds(20)

        /// Creates the default options.
        public init() {}
    }

    /// The limits that the server's store enforces.
    public let limits: Limits

    /// The address of the server.
    public let address: ServerAddress

    private let id: StoreID
    private let caller: Caller
    private let observers = AppendObservers()

    /// Connects to a server.
    ///
    /// - Parameters:
    ///   - address: `sillok://host:port`, or `https://host:port` for TLS.
    ///   - options: the access key, the TLS settings, and the timeouts.
    ///   - clock: the clock that measures pauses and timeouts.
    ///   - random: the source of randomness for pauses, so that many clients do not retry at the same time.
    /// - Throws: `StoreError`: `notFound` if the address is not valid, `unavailable` if no server answers,
    ///   `accessDenied`.
    public init(
        _ address: String, _ options: Options = Options(), clock: any Clock<Duration> = ContinuousClock(),
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) async throws {
        guard let parsed = ServerAddress(address) else {
            throw StoreError(.notFound, "\(address) is no address of a server: write sillok://host:port.")
        }
        self.address = parsed
        let connections = Connections(address: parsed, options: options)
        caller = Caller(connections: connections, options: options, clock: clock, random: random)
        do {
            let (id, limits) = try await caller.ask(Remote.DescribeRequest())
            // A server may say anything.
            (self.id, self.limits) = (id, limits.supported)
        } catch {
            await connections.close()
            throw error
        }
        connections.expect(id)
    }

    /// Closes the connections. Calls that are made later fail.
    public func close() async { await caller.close() }

    /// Returns the identity of the server's store.
    public func storeID() async throws -> StoreID { id }

    /// Records all of the events or none, under a condition. The events are durable when it returns.
    ///
    /// - Throws: `AppendError`: the errors of the server's store, and `failed` with `unavailable` when the timeout has
    ///   passed. If an inline projection on the server refuses the append, this is `failed` with `refused`.
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        try await observers.measure(request) { try await record(request) }
    }

    /// Reports every later append to `observe`, which must not block.
    public func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool {
        observers.add(observe)
        return true
    }

    private func record(_ request: AppendRequest) async throws -> Receipt {
        try limits.check(request)
        let receipt = try await caller.ask(request, isAppend: true)
        guard receipt.mark.id == nil else { return receipt }
        // A server of an older version does not return the id of the last event.
        return Receipt(
            firstPosition: receipt.firstPosition,
            mark: EventMark(position: receipt.position, id: request.entries.last?.event.id),
            revisions: receipt.revisions, recordedAt: receipt.recordedAt)
    }

    /// Reads one page of events.
    public func read(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        let batch = try await caller.ask(request)
        // A server of an older version does not compare marks.
        try request.check(batch)
        return batch
    }

    /// Returns the position of the last event.
    public func head() async throws -> Position {
        try await caller.ask(Remote.HeadRequest())
    }

    /// Waits until the log may have an event of a query at or after `position`.
    ///
    /// A server of an older version ends the wait at the next append, for any query.
    public func reach(_ position: Position, for query: EventQuery) async throws {
        try limits.check(query)
        let request = Remote.ReachRequest(position, for: query)
        while true {
            try Task.checkCancellation()
            let (_, isWaiting) = try await caller.ask(request, isWait: true)
            // The head is lower if the log went back. The caller notices that when it reads.
            if !isWaiting { return }
        }
    }

    /// Returns the event with an id, or `nil`.
    public func event(_ id: EventID) async throws -> RecordedEvent? {
        try await caller.ask(Remote.EventRequest(id))
    }

    /// Returns the facts about a stream, or `nil` if it has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? {
        try await caller.ask(Remote.StreamRequest(id)).first
    }

    /// Returns streams ordered by the bytes of their names.
    public func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try limits.checkStreams(in: category, after: name, limit: limit)
        return try await caller.ask(Remote.StreamsRequest(in: category, after: name, limit: limit))
    }

    /// Returns the position up to which a source was consumed into this store, or `nil` if nothing of it was consumed.
    public func tracking(of source: TrackingSource) async throws -> Tracking? {
        try await caller.ask(Remote.TrackingRequest(source)).map {
            Tracking(source: source, position: $0.position, event: $0.event)
        }
    }
}
