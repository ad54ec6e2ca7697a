import SillokThreads
#if Postgres
public import SillokChain
public import SillokCore
import SillokSQL

/// An event log in a PostgreSQL database (15 or later), shared by any number of processes on any number of machines.
///
/// Positions have no gaps and rise in the order of commits, whichever processes append: a function on the server
/// assigns them under a lock. One connection of this process appends and commits all waiting appends together. A few
/// connections read, and one waits for notifications. Each has its own thread, so no call blocks the cooperative pool.
///
/// If a connection breaks, or its server no longer accepts writes, the store searches for the server that does. It
/// executes an unfinished append again; events that were already stored are found by their ids.
/// ```swift
/// let store = try await PostgresEventStore("postgres://app@db1,db2/shop")
/// ```
public final class PostgresEventStore: ChainedEventStore {
    /// The mode in which a store is opened.
    public enum Mode: Hashable, Sendable {
        /// For reading and writing; the schema is created if there is none, and updated.
        case create
        /// For reading and writing; the schema must exist and be up to date.
        case existing
        /// For reading only, also from a standby.
        case readOnly
    }

    /// The limits that this store enforces.
    public let limits: Limits

    /// The schema of the store.
    public let schema: String

    private let address: ServerAddress
    private let id: StoreID
    private let mode: Mode
    private let timeout: Duration
    private let clock: WallClock
    private let readers: ReaderPool<Session>
    /// The readers that judge the conditions of appends, so that neither the writer nor other reads wait for them.
    private let judges: ReaderPool<Session>
    private let writer: GroupCommit<WriterRequest, WriterAnswer>?
    private let listener: Listener
    private let signal: HeadSignal
    private let isClosed: Lock<Bool>
    /// The checks that run.
    private let longWork = RunningRequests(closed: PostgresEventStore.closed)
    private let observers = AppendObservers()

    /// Opens a store.
    ///
    /// - Parameters:
    ///   - connection: a connection string of libpq, `postgres://user@host1,host2/database?sslmode=verify-full` or
    ///     `host=… dbname=…`; what it leaves out comes from the environment (`PGHOST`, `PGUSER`, `PGPASSFILE` …). If
    ///     there are several hosts, the store finds the one that accepts writes, also after a failover.
    ///   - schema: the schema of the store. A database may contain several stores, each in its own schema.
    ///   - mode: how it is opened.
    ///   - limits: how large a request may be.
    ///   - timeout: how long a call searches for a server that accepts writes before the call fails. It begins when the
    ///     call is made. The default outlasts a failover, which takes up to 34 s. A server that is silent for a third
    ///     of this time while it owes an answer, at most 15 and at least 5 seconds, counts as lost.
    ///   - readers: the number of connections that read, from 1 to 1,000.
    ///   - clock: where recorded times come from.
    ///   - ids: where the identity of a new store comes from.
    /// - Throws: `StoreError`: `unavailable` if no server can be reached, `notFound` if there is no store,
    ///   `unsupportedFormat` if it is of another version, `readOnly` if the role may not do this.
    public init(
        _ connection: String, schema: String = "sillok", mode: Mode = .create, limits: Limits = Limits(),
        timeout: Duration = .seconds(45), readers: Int = 3, clock: WallClock = .system, ids: IDGenerator = .system
    ) async throws {
        let address = ServerAddress(text: connection, schema: schema)
        let purpose = mode == .readOnly ? ServerAddress.Purpose.reading : .writing
        let isClosed = Lock(false)
        id = try await onOwnThread {
            do {
                let session = Session(address, for: purpose, timeout: timeout, limitsAnswers: true)
                return try session.retrying { connection in
                    try Installation(address: address, connection: connection)
                        .prepare(mayInstall: mode == .create, newID: { ids.next() }, now: clock.now())
                }
            } catch let failure as PostgresFailure {
                throw failure.storeError("cannot open the store at \(address.described)")
            }
        }
        self.address = address
        let limits = limits.supported
        self.limits = limits
        self.schema = schema
        self.mode = mode
        self.timeout = timeout
        self.clock = clock
        self.isClosed = isClosed
        let signal = HeadSignal()
        self.signal = signal
        listener = Listener(address, for: purpose, signal)
        let reachability = Reachability()
        func session(_ purpose: ServerAddress.Purpose) -> Session {
            Session(address, for: purpose, timeout: timeout, reachability: reachability, limitsAnswers: true) {
                isClosed.withLock { $0 }
            }
        }
        self.readers = Self.pool((0..<min(max(1, readers), Self.mostReaders)).map { _ in session(purpose) }, limits)
        judges = Self.pool((0..<(mode == .readOnly ? 0 : Self.judges)).map { _ in session(purpose) }, limits)
        if mode == .readOnly {
            writer = nil
        } else {
            writer = Self.start(Writer(session(.writing), limits: limits, clock: clock), limits, signal)
        }
    }

    /// Returns threads that read, each with its own session.
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
            lingers: true,
            commit: { requests in
                guard let writer = handover.value else { return requests.map { _ in .failure(closed) } }
                let answers = writer.carryOut(requests)
                announce(requests, answers, to: signal)
                return answers
            }, afterCommit: {}, atEnd: { handover.release() })
    }

    /// Wakes the readers that wait for events of a group that was committed. What other processes appended between its
    /// events is announced by the listener.
    private static func announce(
        _ requests: [WriterRequest], _ answers: [Result<WriterAnswer, any Error>], to signal: HeadSignal
    ) {
        var stored: [(receipt: Receipt, request: AppendRequest)] = []
        for case (.append(let prepared), .success(.judged(let verdict))) in zip(requests, answers) {
            signal.note(verdict.head)
            if case .stored(let receipt, _) = verdict.status, !prepared.request.entries.isEmpty {
                stored.append((receipt, prepared.request))
            }
        }
        for (receipt, request) in stored.sorted(by: { $0.receipt.position < $1.receipt.position }) {
            signal.announce(from: receipt.firstPosition, through: receipt.position) { Set(request) }
        }
    }

    deinit {
        isClosed.withLock { $0 = true }
        listener.close()
        signal.fail(Self.closed)
        longWork.cancel()
        readers.abandon(refusing: Self.closed)
        judges.abandon(refusing: Self.closed)
        writer?.abandon(refusing: Self.closed)
    }

    /// Finishes running appends and reads, and closes the connections.
    ///
    /// Running verifications and later calls throw `StoreError` `closed`. Closing again does nothing.
    public func close() async {
        isClosed.withLock { $0 = true }
        listener.close()
        signal.fail(Self.closed)
        await longWork.close()
        await readers.close(refusing: Self.closed)
        await judges.close(refusing: Self.closed)
        await writer?.close(refusing: Self.closed)
    }

    /// Returns the identity that was written when the store was created.
    public func storeID() async throws -> StoreID { id }

    /// Records all of the events or none, under a condition, as durably as the server's settings require.
    ///
    /// If the condition takes more than `Limits.conditionSteps`, this throws `AppendError.failed` with `tooExpensive`.
    ///
    /// A task that is cancelled before the commit begins withdraws its append. It gets `AppendError.failed` with
    /// `cancelled` and a definite outcome. Once the commit has begun, the task gets the same error immediately with an
    /// unknown outcome.
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        try await observers.measure(request) {
            do { return try await record(request) } catch is CancellationError { throw StoreError.cancelledEarly }
        }
    }

    /// Reports every later append to `observe`, which must not block.
    public func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool {
        observers.add(observe)
        return true
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

    /// Throws if a given time is too far ahead, unless the append may repeat a recorded one.
    private func checkTimes(of request: AppendRequest) async throws {
        do {
            try limits.checkTimes(of: request, clock: clock.now())
        } catch {
            guard let first = request.entries.first, try await event(first.event.id) != nil else { throw error }
        }
    }

    /// Reads one page of events.
    ///
    /// A page whose search takes more than `Limits.pageSteps` ends early, and the next page continues there.
    public func read(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        return try await untilCancelled { [readers] in try await readers.page(request) }
    }

    /// Returns the position of the last event.
    public func head() async throws -> Position { try await reading { try $0.head() } }

    /// Waits until the log may have an event of a query at or after `position`.
    public func reach(_ position: Position, for query: EventQuery) async throws {
        try await listener.reach(position, for: query)
    }

    /// Returns the event with an id, or `nil`.
    public func event(_ id: EventID) async throws -> RecordedEvent? {
        try await reading { try $0.events([id])[0] }
    }

    /// Returns the facts about a stream, or `nil` if it has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? { try await reading { try $0.facts(of: id) } }

    /// Returns streams ordered by the bytes of their names.
    public func streams(in category: StreamCategory?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try limits.checkStreams(in: category, after: name, limit: limit)
        return try await reading { try $0.streams(in: category, after: name, limit: limit) }
    }

    /// Returns the position up to which a source was consumed into this store, or `nil` if nothing of it was consumed.
    public func tracking(of source: TrackingSource) async throws -> Tracking? {
        try await reading { try $0.tracked(source) }
    }

    /// Returns the hash chain of the log.
    public func chain() async throws -> Chain? { Chain(of: id, from: 1) }

    /// Returns the links of the hash chain after a position.
    public func links(after position: Position, limit: Int) async throws -> [ChainLink] {
        try limits.checkStreams(in: nil, after: nil, limit: limit)
        return try await reading { try $0.links(after: position, limit: limit) }
    }

    /// Returns the number of bytes that its tables and their indexes take on the server.
    public func storedBytes() async throws -> UInt64 { try await reading { try $0.storedBytes() } }

    private func reading<Result: Sendable>(
        _ body: @escaping @Sendable (EventReader) throws -> Result
    ) async throws -> Result {
        try await reading(on: readers, .quick, body)
    }

    /// Reads on a connection of a pool. A cancelled task ends its statement on the server.
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
        return try await PostgresReadModel(address.text, schema: schema, timeout: timeout)
    }

    /// Projects a part of the log for a rule; returns `true` when the rule is attached to appends.
    func attach(_ rule: InlineRule, schema: String) async throws -> Bool {
        guard let writer else { throw Self.readOnly }
        let request = WriterRequest.attach(
            InlineAttachment(rule, ServerAddress(text: address.text, schema: schema)))
        if case .projected(isAttached: true) = try await writer.submit(request, weight: request.weight) { return true }
        return false
    }

    /// Verifies everything that is stored, in one snapshot and on the server: positions, times, revisions, tags,
    /// tracking.
    ///
    /// Works on a thread and a connection of its own. The server itself checks its disks for changed bytes, if the
    /// cluster was made with data checksums.
    /// - Parameter progress: called with each step, on the thread that verifies.
    /// - Returns: a report with the findings.
    /// - Throws: `CancellationError` when the task is cancelled; `StoreError` `closed` when the store is closed.
    public func verify(
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> VerificationReport {
        try await longWork.runOnThread { [address] cancellation in
            let result = Swift.Result {
                let connection = try Connection(address, for: .reading)
                let interruption = connection.canceller().map { WorkInterruption($0.cancel) }
                cancellation.whenCancelled { interruption?.interrupt() }
                defer { _ = interruption?.end() }
                return try Verification(connection: connection, schema: address.quotedSchema)
                    .run(progress, cancellation)
            }
            if case .failure = result { try cancellation.check() }
            return try result.mapError(StoreError.reading).get()
        }
    }

    /// The most connections that read: each has a thread.
    private static let mostReaders = 1000
    /// How many connections judge conditions. They are opened when they are needed.
    private static let judges = 2
    private static let closed = StoreError(.closed, "the store is closed.")
    private static let readOnly = StoreError(.readOnly, "the store was opened for reading only.")
}
#endif
