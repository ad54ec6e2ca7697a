import SillokThreads
#if Postgres
public import SillokChain
public import SillokCore
import SillokSQL

/// A log in a PostgreSQL database (15 or later), shared by any number of processes on any number of machines.
///
/// Positions have no holes and rise in the order of commits, whichever processes append: the server's function that
/// appends assigns them under a lock. One connection of this process appends, and commits together all appends that
/// wait; a few read; one waits for notifications. Each has a thread of its own: no call blocks the cooperative pool.
///
/// When a connection breaks, or its server takes no writes any more, the store looks for the server that does, by
/// itself. An append that was under way is executed again; what was stored already is found by its ids.
/// ```swift
/// let store = try await PostgresEventStore("postgres://app@db1,db2/shop")
/// ```
public final class PostgresEventStore: ChainedEventStore {
    /// How a store is opened.
    public enum Mode: Hashable, Sendable {
        /// For reading and writing; its schema is made if there is none, and brought up to date.
        case create
        /// For reading and writing; its schema must be there and up to date.
        case existing
        /// For reading alone, also from a standby.
        case readOnly
    }

    /// The limits that requests are held to.
    public let limits: Limits

    /// The schema that the store lives in.
    public let schema: String

    private let address: ServerAddress
    private let id: StoreID
    private let mode: Mode
    private let patience: Duration
    private let clock: WallClock
    private let readers: ReaderPool<Session>
    /// Judge the conditions of appends, so that neither the writer nor other reads wait for them.
    private let judges: ReaderPool<Session>
    private let writer: GroupCommit<WriterRequest, WriterAnswer>?
    private let listener: Listener
    private let signal: HeadSignal
    private let isClosed: Lock<Bool>

    /// Opens a store.
    ///
    /// - Parameters:
    ///   - connection: a connection string of libpq, `postgres://user@host1,host2/database?sslmode=verify-full` or
    ///     `host=… dbname=…`; what it leaves out comes from the environment (`PGHOST`, `PGUSER`, `PGPASSFILE` …). Of
    ///     several hosts the one that takes writes is found, also after a failover.
    ///   - schema: the schema that the store lives in: several stores fit into a database.
    ///   - mode: how it is opened.
    ///   - limits: how large a request may be.
    ///   - patience: for how long the server is looked for when it is away, before a call fails.
    ///   - readers: how many connections read.
    ///   - clock: where recorded times come from.
    ///   - ids: where the identity of a new store comes from.
    /// - Throws: `StoreError`: `unavailable` if no server can be reached, `notFound` if there is no store,
    ///   `unsupportedFormat` if it is of another version, `readOnly` if the role may not do this.
    public init(
        _ connection: String, schema: String = "sillok", mode: Mode = .create, limits: Limits = Limits(),
        patience: Duration = .seconds(15), readers: Int = 3, clock: WallClock = .system, ids: IDGenerator = .system
    ) async throws {
        let address = ServerAddress(text: connection, schema: schema)
        let purpose = mode == .readOnly ? ServerAddress.Purpose.reading : .writing
        let isClosed = Lock(false)
        id = try await onOwnThread {
            do {
                return try Session(address, for: purpose, patience: patience).retrying { connection in
                    try Installation(address: address, connection: connection)
                        .prepare(mode, newID: { ids.next() }, now: clock.now())
                }
            } catch let failure as PostgresFailure {
                throw failure.storeError("cannot open the store at \(address.described)")
            }
        }
        self.address = address
        self.limits = limits
        self.schema = schema
        self.mode = mode
        self.patience = patience
        self.clock = clock
        self.isClosed = isClosed
        let signal = HeadSignal()
        self.signal = signal
        listener = Listener(address, signal)
        let reachability = Reachability()
        func session(_ purpose: ServerAddress.Purpose) -> Session {
            Session(address, for: purpose, patience: patience, reachability: reachability) {
                isClosed.withLock { $0 }
            }
        }
        self.readers = Self.pool((0..<max(1, readers)).map { _ in session(purpose) }, limits)
        judges = Self.pool((0..<(mode == .readOnly ? 0 : Self.judges)).map { _ in session(purpose) }, limits)
        if mode == .readOnly {
            writer = nil
        } else {
            writer = Self.start(Writer(session(.writing), limits: limits, clock: clock), limits, signal)
        }
    }

    /// Threads that read, each with a session of its own.
    private static func pool(_ sessions: sending [Session], _ limits: Limits) -> ReaderPool<Session> {
        ReaderPool(sessions, reported: StoreError.reading) { session, request, cancellation in
            try session.retrying(for: Session.Caller(cancellation)) {
                try EventReader($0, session.address, limits: limits).page(request)
            }
        }
    }

    private static func start(
        _ writer: Writer, _ limits: Limits, _ signal: HeadSignal
    ) -> GroupCommit<WriterRequest, WriterAnswer> {
        let handover = Handover(writer)
        return GroupCommit(
            maximumWeight: 4096, queueBytes: limits.queueBytes,
            cancelledInCommit: StoreError(
                .cancelled, "The task was cancelled during the commit of its append.", outcome: .unknown),
            commit: { requests in
                guard let writer = handover.value else { return requests.map { _ in .failure(closed) } }
                let answers = writer.carryOut(requests)
                let head = answers.lazy.compactMap { answer -> Position? in
                    guard case .success(.judged(let verdict)) = answer else { return nil }
                    if case .stored(_, let head) = verdict.status { return head }
                    return verdict.head
                }.max()
                if let head { signal.advance(to: head) }
                return answers
            }, afterCommit: {}, atEnd: { handover.release() })
    }

    deinit {
        isClosed.withLock { $0 = true }
        listener.close()
        signal.fail(Self.closed)
        readers.abandon(refusing: Self.closed)
        judges.abandon(refusing: Self.closed)
        writer?.abandon(refusing: Self.closed)
    }

    /// Finishes what is under way and lets go of the connections.
    ///
    /// Calls that come later throw `StoreError` `closed`. Closing again does nothing.
    public func close() async {
        isClosed.withLock { $0 = true }
        listener.close()
        signal.fail(Self.closed)
        await readers.close(refusing: Self.closed)
        await judges.close(refusing: Self.closed)
        await writer?.close(refusing: Self.closed)
    }

    /// The identity that was written when the store was made.
    public func storeID() async throws -> StoreID { id }

    /// Records events: all of them or none, under a condition, as durable as the server's settings say.
    ///
    /// A condition that takes more than `Limits.conditionSteps` is refused: `StoreError` `tooExpensive`.
    /// A cancelled task withdraws its append until the commit begins, and gets `StoreError` `cancelled` with a definite
    /// outcome. Once the commit has begun, the task gets the same error at once with an unknown outcome.
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        do {
            return try await record(request)
        } catch is CancellationError {
            throw .failed(.cancelledEarly)
        } catch {
            throw AppendError(error)
        }
    }

    private func record(_ request: AppendRequest) async throws -> Receipt {
        try limits.check(request)
        guard let writer else { throw Self.readOnly }
        try await checkTimes(of: request)
        let append = Appending(
            reading: { lane, body in
                do {
                    return try await self.reading(on: self.judges, lane, body)
                } catch is CancellationError {
                    throw StoreError.cancelledEarly
                }
            },
            writing: { prepared in
                let request = WriterRequest.append(prepared)
                let bytes = prepared.retainedBytes
                guard case .judged(let verdict) = try await writer.submit(request, weight: request.weight, bytes: bytes)
                else { throw AppendAnswers.unreadable }
                return verdict
            }, limits: limits)
        return try await append(request, head: signal.head)
    }

    /// Throws if a given time is too far ahead, unless the append may repeat one that is recorded.
    private func checkTimes(of request: AppendRequest) async throws {
        do {
            try limits.checkTimes(of: request, clock: clock.now())
        } catch {
            guard let first = request.entries.first, try await event(first.event.id) != nil else { throw error }
        }
    }

    /// Reads one page of events.
    ///
    /// A page whose search takes more than `Limits.pageSteps` ends early: `EventBatch.through` says where, and the next
    /// page continues there.
    public func read(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        return try await untilCancelled { [readers] in try await readers.page(request) }
    }

    /// The position of the last event.
    public func head() async throws -> Position { try await reading { try $0.head() } }

    /// Waits until the head is at or past `position`.
    public func reach(_ position: Position) async throws { try await listener.reach(position) }

    /// The event of an id, or `nil`.
    public func event(_ id: EventID) async throws -> RecordedEvent? {
        try await reading { try $0.events([id])[0] }
    }

    /// What is known of a stream, or `nil` if it has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? { try await reading { try $0.facts(of: id) } }

    /// Streams in the order of their names' bytes.
    public func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try limits.checkStreams(in: category, after: name, limit: limit)
        return try await reading { try $0.streams(in: category, after: name, limit: limit) }
    }

    /// How far a source has been consumed into this store, or `nil`.
    public func tracking(of source: TrackingSource) async throws -> Tracking? {
        try await reading { try $0.tracked(source) }
    }

    /// The hash chain of the log.
    public func chain() async throws -> Chain? { Chain(of: id, from: 1) }

    /// The links of the hash chain after a position.
    public func links(after position: Position, limit: Int) async throws -> [ChainLink] {
        try limits.checkStreams(in: nil, after: nil, limit: limit)
        return try await reading { try $0.links(after: position, limit: limit) }
    }

    /// How many bytes its tables and their indexes take on the server.
    public func storedBytes() async throws -> UInt64 { try await reading { try $0.storedBytes() } }

    private func reading<Result: Sendable>(
        _ body: @escaping @Sendable (EventReader) throws -> Result
    ) async throws -> Result {
        try await reading(on: readers, .quick, body)
    }

    /// Reads on a connection of a pool. A cancelled task ends what the server does for it.
    private func reading<Result: Sendable>(
        on pool: ReaderPool<Session>, _ lane: ReaderPool<Session>.Lane,
        _ body: @escaping @Sendable (EventReader) throws -> Result
    ) async throws -> Result {
        try await untilCancelled { [address, limits] in
            try await pool.read(lane) { session, cancellation in
                try session.retrying(for: Session.Caller(cancellation)) {
                    try body(EventReader($0, address, limits: limits))
                }
            }
        }
    }

    /// Opens a read model in a schema of the same database.
    func openReadModel(_ schema: String) async throws -> PostgresReadModel {
        if mode == .readOnly { throw Self.readOnly }
        return try await PostgresReadModel(address.text, schema: schema, patience: patience)
    }

    /// Projects a part of the log for a rule; `true` when it takes part in appends.
    func attach(_ rule: InlineRule, schema: String) async throws -> Bool {
        guard let writer else { throw Self.readOnly }
        let request = WriterRequest.attach(
            InlineAttachment(rule, ServerAddress(text: address.text, schema: schema)))
        if case .projected(isAttached: true) = try await writer.submit(request, weight: request.weight) { return true }
        return false
    }

    /// Runs a check of the whole store on a thread and a connection of its own.
    func checking(
        _ body: @escaping @Sendable (Verification) throws -> VerificationReport
    ) async throws -> VerificationReport {
        let address = address
        return try await onOwnThread {
            try Swift.Result {
                let connection = try Connection(address, for: .reading)
                return try body(Verification(connection: connection, schema: address.quotedSchema))
            }.mapError(StoreError.reading).get()
        }
    }

    /// How many connections judge conditions. They are opened when they are needed.
    private static let judges = 2
    private static let closed = StoreError(.closed, "the store is closed.")
    private static let readOnly = StoreError(.readOnly, "the store was opened for reading only.")
}
#endif
