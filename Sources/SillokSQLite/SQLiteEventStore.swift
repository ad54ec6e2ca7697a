import CSQLite
public import SillokChain
public import SillokCore
import SillokSQL
import SillokThreads

/// A log in one SQLite file: durable, embedded, and fast, with nothing to set up.
///
/// An acknowledged append is on the disk (`synchronous = FULL`). One thread writes, and commits together all appends
/// that wait, so that one fsync carries many; a few threads read. No call blocks the cooperative pool. One process at a
/// time may write; others can open the file for reading meanwhile.
///
/// ```swift
/// let store = try SQLiteEventStore(path: "bank.sqlite")
/// ```
public final class SQLiteEventStore: ChainedEventStore {
    /// How a file is opened.
    public enum Mode: Hashable, Sendable {
        /// For reading and writing; the file is made if there is none.
        case create
        /// For reading and writing; the file must be there.
        case existing
        /// For reading alone, also while another process writes: for tools.
        case readOnly
    }

    /// The limits that requests are held to.
    public let limits: Limits

    /// Where the file is.
    public let path: String

    private let id: StoreID
    private let mode: Mode
    private let tuning: Tuning
    private let readers: ReaderPool<EventReader>
    private let writer: GroupCommit<WriterRequest, WriterAnswer>?
    /// The chain that the writer keeps; `nil` also for a store that was opened for reading.
    private let writtenChain: Chain?
    /// The way to the read model in the file.
    let model: StoreModelAccess
    private let signal = HeadSignal()
    private let observer = Lock(CommitObserver())

    /// Opens a store. Blocks for as long as it takes to open a file: milliseconds, more after a crash.
    ///
    /// - Parameters:
    ///   - path: the file. Two more, ending in `-wal` and `-shm`, stand beside it while it is open, and `-lock`.
    ///   - mode: how it is opened.
    ///   - limits: how large a request may be.
    ///   - clock: where recorded times come from.
    ///   - ids: where the identity of a new store comes from.
    ///   - keepsChain: switches the hash chain of the log on or off, for good; `nil` leaves it as it is in the file. A
    ///   new file keeps one unless told otherwise. Switched on later, the chain begins with the next event.
    ///   - random: the source of the secret of a new store, which keeps clients from choosing ids that collide in its
    ///     index. It must be unpredictable in production.
    ///   - progress: is called while a file of an older format is converted, on the calling thread, about every million
    ///     events. A conversion takes seconds for each million events. If the process ends meanwhile, the file is
    /// unchanged.
    /// - Throws: `StoreError`: `locked` if another process writes to it, `notFound`, `unsupportedFormat`
    ///   if the file is something else, `readOnly`, `ioFailure`, `corrupt`.
    public convenience init(
        path: String, mode: Mode = .create, limits: Limits = Limits(), clock: WallClock = .system,
        ids: IDGenerator = .system, keepsChain: Bool? = nil,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) throws {
        try self.init(
            path: path, mode: mode, limits: limits, clock: clock, ids: ids, keepsChain: keepsChain, random: random,
            tuning: Tuning(), progress: progress)
    }

    /// Opens a store that does its house-keeping at other sizes.
    package init(
        path: String, mode: Mode, limits: Limits, clock: WallClock, ids: IDGenerator = .system,
        keepsChain: Bool? = nil, random: any RandomNumberGenerator = SystemRandomNumberGenerator(), tuning: Tuning,
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) throws {
        self.path = path
        self.mode = mode
        self.limits = limits
        self.tuning = tuning
        let opening = StoreOpening(path: path, mode: mode, limits: limits, tuning: tuning)
        // The thread that writes is started last: what fails before it leaves nothing behind.
        try opening.probe()
        let lock = mode == .readOnly ? nil : try FileLock(path: resolvedPath(path) + "-lock")
        let origins = Schema.Origins(
            storeID: { ids.next() },
            secret: {
                var random = random
                return IDKeys.Secret(from: &random)
            }, now: clock.now, keepsChain: keepsChain, progress: progress)
        let opened = try lock.map { _ in try opening.writer(origins, clock: clock) }
        if let opened { signal.advance(to: Position(UInt64(try opened.reader.head()))) }
        let (id, readers) = try opening.readers()
        self.id = id
        self.readers = ReaderPool(readers, reported: StoreError.reading) { try $0.page($1, $2) }
        writtenChain = opened?.chain
        let writer = opened.map { [signal, observer] opened in Self.start(opened, lock, limits, signal, observer) }
        self.writer = writer
        model = StoreModelAccess(path: path, writer: writer)
    }

    /// Starts the thread that writes, which holds the lock for as long as it runs.
    private static func start(
        _ writer: Writer, _ lock: FileLock?, _ limits: Limits, _ signal: HeadSignal, _ observer: Lock<CommitObserver>
    ) -> GroupCommit<WriterRequest, WriterAnswer> {
        let handover = Handover((writer: writer, lock: lock))
        return GroupCommit(
            maximumWeight: 8192, queueBytes: limits.queueBytes,
            commit: { requests in
                guard let writer = handover.value?.writer else { return requests.map { _ in .failure(closed) } }
                let answers = writer.carryOut(requests)
                if let failure = writer.failure, failure.code == .fileReplaced { signal.fail(failure) }
                let head = answers.lazy.compactMap { answer in
                    if case .success(.appended(_, let head)) = answer { head } else { nil }
                }.max()
                if let head { signal.advance(to: head) }
                let appends = requests.filter(\.isAppend)
                if let observe = observer.withLock({ $0.observe }), !appends.isEmpty {
                    let events = appends.reduce(0) { $0 + $1.events.count }
                    observe(
                        CommitMeasurement(
                            appends: appends.count, events: events, syncTime: writer.syncTime,
                            logBytes: writer.logBytes))
                }
                return answers
            },
            afterCommit: { handover.value?.writer.checkpointIfDue() },
            atEnd: {
                handover.value?.writer.finish()
                handover.release()
            })
    }

    deinit {
        let error = Self.closed
        signal.fail(error)
        readers.abandon(refusing: error)
        writer?.abandon(refusing: error)
    }

    /// Finishes what is under way, moves everything into the one file, and lets others open it.
    ///
    /// Calls that come later throw `StoreError` `closed`. Closing again does nothing.
    public func close() async {
        signal.fail(Self.closed)
        await readers.close(refusing: Self.closed)
        await model.close()
        await writer?.close(refusing: Self.closed)
    }

    /// Has every commit told from now on, on the thread that writes: `observe` must not block.
    public func onCommit(_ observe: @escaping @Sendable (CommitMeasurement) -> Void) {
        observer.withLock { $0.observe = observe }
    }

    /// The bytes of the appends that wait for the writer or are being committed.
    package var queuedBytes: Int { writer?.heldBytes ?? 0 }

    /// The identity that was written when the store was made.
    public func storeID() async throws -> StoreID { id }

    /// Records events: all of them or none, under a condition, on the disk before it returns.
    ///
    /// A cancelled task withdraws its append while it waits for the writer, and gets `StoreError` `cancelled` with a
    /// definite outcome. Once the commit has begun, the task gets the real answer.
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        do { return try await record(request) } catch { throw AppendError(error) }
    }

    private func record(_ request: AppendRequest) async throws -> Receipt {
        try limits.check(request)
        var prepared = PreparedAppend(request, isChained: writtenChain != nil)
        for _ in 0..<Self.attempts {
            switch try await model.submit(.append(prepared)) {
            case .appended(let receipt, _): return receipt
            case .undecided:
                try await judge(&prepared)
                prepared.rounds += 1
            default: throw StoreError(.corrupt, "the writer has answered something else.")
            }
        }
        throw StoreError(
            .overloaded,
            "The append was rejected: others append faster than its condition can be judged. Nothing was stored. Retry "
                + "later, or use a condition with fewer query items.", retryAfter: .seconds(1))
    }

    /// How often an append goes to the writer, with what others append meanwhile still to be judged.
    private static let attempts = 8

    /// Judges the condition of an append on a snapshot, outside the writer. The writer then judges what came after.
    private func judge(_ prepared: inout PreparedAppend) async throws {
        let (condition, request) = (prepared.condition, prepared.request)
        let judged: (verdict: ConditionJudge.Verdict, head: Position)?
        do {
            judged = try await readers.read(.long) { reader, cancellation in
                try reader.verdict(on: condition, of: request, cancellation)
            }
        } catch is CancellationError {
            throw StoreError.cancelledJudging
        }
        guard let judged else { return }
        switch judged.verdict {
        case .holds: prepared.condition.heldThrough = Int64(clamping: judged.head.value)
        case .conflict(let conflict): throw conflict
        case .undecided(let part):
            throw StoreError.tooExpensive(condition, part, limits: limits, head: judged.head)
        }
    }

    /// Reads one page of events.
    public func read(_ request: ReadRequest) async throws -> EventBatch {
        try limits.check(request)
        let batch = try await readers.page(request)
        signal.advance(to: batch.head)
        return batch
    }

    /// The position of the last event.
    ///
    /// A store that writes knows it, and it is never lower than what was read before; one that was opened for reading
    /// looks into the file.
    public func head() async throws -> Position {
        if mode != .readOnly { return try signal.current() }
        return try await readers.read { reader in
            try reader.connection.reading { Position(UInt64(try reader.head())) }
        }
    }

    /// Waits until the head is at or past `position`.
    ///
    /// A store that was opened for reading looks every 50 milliseconds, since another process writes.
    public func reach(_ position: Position) async throws {
        if mode != .readOnly { return try await signal.reach(position) }
        while try await head() < position { try await Task.sleep(for: .milliseconds(50)) }
    }

    /// The event of an id, or `nil`.
    public func event(_ id: EventID) async throws -> RecordedEvent? {
        let event = try await readers.read { reader in try reader.connection.reading { try reader.event(id) } }
        if let event { signal.advance(to: event.position) }
        return event
    }

    /// What is known of a stream, or `nil` if it has no events.
    public func stream(_ id: StreamID) async throws -> StreamFacts? {
        let facts = try await readers.read { reader in try reader.connection.reading { try reader.facts(of: id) } }
        if let facts { signal.advance(to: facts.lastPosition) }
        return facts
    }

    /// Streams in the order of their names' bytes.
    public func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try limits.checkStreams(in: category, after: name, limit: limit)
        return try await readers.read { reader in
            try reader.connection.reading { try reader.streams(in: category, after: name, limit: limit) }
        }
    }

    /// How far a source has been consumed into this store, or `nil`.
    public func tracking(of source: TrackingSource) async throws -> Tracking? {
        try await readers.read { reader in try reader.connection.reading { try reader.tracked(source) } }
    }

    /// The hash chain of the log, or `nil` if the file keeps none.
    public func chain() async throws -> Chain? {
        try await readers.read { reader in try reader.connection.reading { try Schema.chain(reader.connection) } }
    }

    /// The links of the hash chain after a position.
    public func links(after position: Position, limit: Int) async throws -> [ChainLink] {
        try limits.checkStreams(in: nil, after: nil, limit: limit)
        return try await readers.read { reader in
            try reader.connection.reading { try reader.links(after: position, limit: limit) }
        }
    }

    /// Checks everything that is stored: checksums, positions, times, revisions, index, tracking, file structure.
    ///
    /// Works on one snapshot, beside readers and writers, on a thread and a connection of its own. Memory is bounded
    /// but
    /// for a byte for each name. The write-ahead log cannot begin anew meanwhile, so it grows with what is appended.
    /// - Parameter progress: told now and then how far it has come, on the thread that checks.
    /// - Returns: a report with what is wrong, as far as it could be read.
    /// - Throws: `CancellationError` when the task is cancelled, `StoreError` if the file cannot be opened.
    public func verify(
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> VerificationReport {
        let isCancelled = Lock(false)
        let opening = StoreOpening(path: path, mode: mode, limits: limits, tuning: tuning)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                startThread {
                    continuation.resume(
                        with: Result {
                            try opening.verification(progress) { isCancelled.withLock { $0 } }.run()
                        }.mapError(StoreError.reading))
                }
            }
        } onCancel: {
            isCancelled.withLock { $0 = true }
        }
    }

    private static let closed = StoreError(.closed, "the store is closed.")
}

/// Who is told of commits. A type of its own: a function that lies in a generic place by itself is wrapped anew each
/// time that it is looked at, and each call would go through all wrappings.
private struct CommitObserver {
    var observe: (@Sendable (CommitMeasurement) -> Void)?
}
