public import SillokChain
public import SillokCore
package import SillokDisk
import SillokIndex
import SillokSQLiteConnections
package import SillokSQLiteModels
import SillokSegments
import SillokStorage
import SillokThreads

/// A log in a folder of its own: durable and embedded. Large batches cost less than in an SQLite file. Experimental.
///
/// An acknowledged append is on the disk. One thread writes all waiting appends together at the end of a segment, so
/// that one sync serves many; a few threads read. No call blocks the cooperative pool. One process at a time may write;
/// other processes can open the folder as read-only meanwhile. The index is a file next to the log. If it is missing or
/// damaged, the store rebuilds it from the log while it serves: see ``indexRebuild``.
///
/// ```swift
/// let store = try LogEventStore(path: "bank.sillok")
/// ```
public final class LogEventStore: ChainedEventStore {
    /// The mode in which a folder is opened.
    public enum Mode: Hashable, Sendable {
        /// For reading and writing; the store is created if there is none.
        case create
        /// For reading and writing; the store must exist.
        case existing
        /// For reading only, even while another process writes. Tools use it.
        case readOnly
        /// For copying what is readable out of a damaged store. Reads the whole log, and changes nothing.
        case salvage
    }

    /// The limits that this store enforces.
    public let limits: Limits

    /// The path of the folder.
    public let path: String

    let tuning: LogTuning
    let disk: any Disk
    /// The checks and backups that run.
    let longWork = RunningRequests(closed: LogEventStore.closed)
    let readers: ReaderPool<LogReader>
    /// Makes a reader for a thread of its own.
    let makeReader: @Sendable () throws -> LogReader
    let identity: LogIdentity
    let keys: LogKeys
    /// What is wrong with the log, if that is why the store is open for reading only; `nil` for a sound store.
    ///
    /// Appends to a damaged store are refused. A page ends in front of lost events, and a page that would begin with
    /// one fails with `corrupt`. The error names the position after which reading continues.
    public let damage: DamagedLog?

    let mode: Mode
    /// What the writer does with the files when it ends.
    private let removal = Lock(Removal.none)
    private let writer: GroupCommit<LogWork, LogAnswer>?
    /// The thread that maintains the index; `nil` for a store that is only read.
    let mover: IndexMover?
    /// The access to the read model in the folder.
    package let model: StoreModelAccess
    let rows: RowsFile
    let signal: HeadSignal
    /// Looks for what another process writes.
    let watch: LogWatch
    private let observer = Lock(CommitObserver())
    private let observers = AppendObservers()

    /// Opens a store. Blocks until the log is open: milliseconds, however many events it has.
    ///
    /// - Parameters:
    ///   - path: the folder. It contains the log, its index, and a lock.
    ///   - mode: how the folder is opened.
    ///   - limits: the maximum sizes of requests.
    ///   - clock: the clock for recorded times.
    ///   - ids: the source of the identity of a new store.
    ///   - keepsChain: whether a new store keeps a hash chain of its log. An existing store keeps its setting.
    ///   - random: the source of the secret of a new store, which keeps clients from choosing ids that collide in its
    ///     index. It must be unpredictable in production.
    ///   - progress: called on a thread of the store while the index is rebuilt, for each percent.
    /// - Throws: `StoreError`: `locked` if another process writes to it, `notFound`, `unsupportedFormat` if the folder
    ///   is not a store, `ioFailure`, `full`, `corrupt` if nothing of the log can be read. A log that is damaged in
    ///   places opens for reading only, and nothing is changed: see ``damage``.
    public convenience init(
        path: String, mode: Mode = .create, limits: Limits = Limits(), clock: WallClock = .system,
        ids: IDGenerator = .system, keepsChain: Bool = true,
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) throws {
        let origins = LogOrigins(ids: ids, clock: clock, random: random, keepsChain: keepsChain)
        try self.init(
            path: path, mode: mode, limits: limits, clock: clock, origins: origins, tuning: LogTuning(),
            progress: progress)
    }

    /// Opens a store with other maintenance sizes, or on another disk.
    package init(
        path: String, mode: Mode, limits: Limits = Limits(), clock: WallClock = .system,
        origins: LogOrigins = LogOrigins(), tuning: LogTuning, disk: any Disk = SystemDisk(),
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) throws {
        (self.path, self.disk) = (path, disk)
        (self.limits, self.tuning) = (limits.supported, tuning.supported)
        let opening = LogOpening(
            folder: path, limits: self.limits, tuning: self.tuning, disk: disk, progress: progress)
        let parts = try opening.parts(mode, origins, clock)
        (identity, keys, damage) = (parts.identity, parts.keys, parts.damage)
        self.mode = parts.writer == nil ? .readOnly : mode
        let signal = HeadSignal()
        signal.advance(to: Position(UInt64(clamping: parts.head)))
        self.signal = signal
        let makeReader = parts.makeReader
        self.makeReader = makeReader
        let pool = ReaderPool(
            try (0..<self.tuning.readers).map { _ in try makeReader() }, reported: StoreError.reading
        ) { try $0.readablePage($1, $2) }
        readers = pool
        watch = LogWatch(signal, every: .milliseconds(50)) { try await pool.page($0) }
        mover = parts.writer?.writer.mover
        let (isNew, limits, idleTime) = (parts.isNew, self.limits, self.tuning.idleTime)
        writer = parts.writer.map { [observer, removal] writer in
            let timer = IdleTimer(after: idleTime)
            return Self.start(Handover(writer), limits, announcing: signal, observer: observer, timer) {
                isUnused, lock in
                let removal = removal.withLock { $0 }
                guard removal == .always || removal == .ifUnused && isNew && isUnused else { return }
                LogOpening.removeFiles(path, lock)
            }
        }
        let rows = parts.rows
        self.rows = rows
        model = StoreModelAccess(
            path: path, file: { try rows.file(makeReader) }, write: writer.map(Self.modelling))
    }

    /// Starts the thread that writes, which holds the lock for as long as it runs.
    ///
    /// - Parameter atEnd: is called when the log is closed and the lock is still held; `true`: nothing was written.
    private static func start(
        _ handover: Handover<(writer: LogWriter, lock: FileLock)>, _ limits: Limits, announcing signal: HeadSignal,
        observer: Lock<CommitObserver>, _ timer: IdleTimer,
        atEnd: @escaping @Sendable (_ isUnused: Bool, FileLock) -> Void
    ) -> GroupCommit<LogWork, LogAnswer> {
        let commits = GroupCommit<LogWork, LogAnswer>(
            maximumWeight: 8192, queueBytes: limits.queueBytes,
            commit: { requests in
                guard let writer = handover.value?.writer else { return requests.map { _ in .failure(closed) } }
                let answers = writer.execute(requests)
                if let failure = writer.failure, failure.code == .fileReplaced { signal.fail(failure) }
                announce(requests, answers, to: signal)
                // Their appends were not acknowledged, but readers see the events.
                if writer.rows?.isBehind == true { signal.advance(to: writer.durable.position) }
                let appends = requests.compactMap(\.append)
                if let observe = observer.withLock({ $0.observe }), !appends.isEmpty {
                    let events = appends.reduce(0) { $0 + $1.prepared.request.entries.count }
                    observe(CommitMeasurement(appends: appends.count, events: events, syncTime: writer.syncTime))
                }
                return answers
            },
            afterCommit: {
                handover.value?.writer.prepareNextSegment()
                handover.value?.writer.rows?.checkpointIfDue()
                timer.note()
            },
            atEnd: {
                timer.stop()
                guard let (writer, lock) = handover.value else { return }
                writer.finish()
                let isUnused = writer.isUnused
                handover.release()
                atEnd(isUnused, lock)
            })
        timer.start { [weak commits] in commits?.whenIdle { handover.value?.writer.writeIdleMark() } }
        return commits
    }

    /// Wakes the readers that wait for events of a group that was committed.
    private static func announce(
        _ requests: [LogWork], _ answers: [Result<LogAnswer, any Error>], to signal: HeadSignal
    ) {
        var (appends, last): ([AppendRequest], Position) = ([], .start)
        for case (.append(let request), .success(.appended(_, let head))) in zip(requests, answers) {
            appends.append(request.prepared.request)
            last = max(last, head)
        }
        signal.announce(appends, through: last)
    }

    deinit {
        let error = Self.closed
        signal.fail(error)
        longWork.cancel()
        mover?.refuseWaiting()
        readers.abandon(refusing: error)
        writer?.abandon(refusing: error)
    }

    /// Finishes running appends and reads, and releases the lock of the folder.
    ///
    /// Running queries of the read model, verifications and backups, and later calls, throw `StoreError` `closed`.
    /// Closing again does nothing.
    public func close() async {
        signal.fail(Self.closed)
        mover?.refuseWaiting()
        await longWork.close()
        await readers.close(refusing: Self.closed)
        await model.close()
        await writer?.close(refusing: Self.closed)
    }

    /// What becomes of the files when the store is closed.
    package enum Removal: Sendable {
        case none
        /// They are removed if this opening has made the store, and nothing was written to it.
        case ifUnused
        case always
    }

    /// Closes the store and removes its files before another process can open them: while the lock is held.
    package func close(removing removal: Removal) async {
        self.removal.withLock { $0 = removal }
        await close()
    }

    /// Calls `observe` after every commit that contains appends, on the thread that writes. It must not block. It
    /// replaces an earlier observer.
    public func onCommit(_ observe: @escaping @Sendable (CommitMeasurement) -> Void) {
        observer.withLock { $0.observe = observe }
    }

    /// The bytes of the appends that wait for the writer or are being committed.
    package var queuedBytes: Int { writer?.heldBytes ?? 0 }

    /// The progress of the rebuild of the index, in positions; `nil` if the index is complete.
    ///
    /// A store that finds its index missing, damaged or far behind rebuilds it while it serves. Meanwhile reads by
    /// position are as fast as ever. Reads by query, id or stream search the log for the events that the index does not
    /// have. Appends wait while the step is `survey`: about a second for a million events. If more than twelve million
    /// events are missing, appends, and lists of streams during the survey, fail with `overloaded`.
    public var indexRebuild: WorkProgress? { mover?.progress }

    /// Returns the identity that was written when the store was created.
    public func storeID() async throws -> StoreID { identity.store }

    /// Records all of the events or none, under a condition, and on the disk before it returns.
    ///
    /// A task that is cancelled while its append waits for the writer withdraws it. It gets `AppendError.failed` with
    /// `cancelled` and a definite outcome. Once the commit has begun, the task waits and gets the result of the append.
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        try await observers.measure(request) { try await record(request) }
    }

    /// Reports every later append to `observe`, which must not block.
    public func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool {
        observers.add(observe)
        return true
    }

    private func record(_ append: AppendRequest) async throws -> Receipt {
        let runs = append.runs
        try limits.check(append, runs)
        guard let writer else { throw damage?.refusal ?? model.readOnly }
        var request = await LogRequest.prepared(append, runs, keys, isChained: identity.chainStart != nil)
        for _ in 0..<PreparedAppend.attempts {
            switch try await writer.submit(
                .append(request), weight: request.weight, bytes: request.retainedBytes)
            {
            case .appended(let receipt, _): return receipt
            case .undecided: request = LogRequest(request, try await judge(request.prepared))
            case .modelled: throw StoreError.wrongAnswer
            }
        }
        throw StoreError.outpaced
    }

    /// Judges the condition of an append on a snapshot, outside the writer. The writer then judges the later events.
    private func judge(_ prepared: PreparedAppend) async throws -> PreparedAppend {
        do {
            return try prepared.judged(
                try await readers.read(.long) { reader, cancellation in
                    try reader.verdict(on: prepared.condition, of: prepared.request, cancellation)
                }, limits: limits)
        } catch is CancellationError {
            throw StoreError.cancelledJudging
        }
    }

    static let closed = StoreError.logClosed
}

extension LogOpening {
    /// Opens a store in a mode. One whose log is damaged is opened for reading.
    func parts(_ mode: LogEventStore.Mode, _ origins: LogOrigins, _ clock: WallClock) throws -> LogParts {
        do {
            switch mode {
            case .create, .existing: return try forWriting(creating: mode == .create, origins, clock)
            case .readOnly: return try forReading()
            case .salvage: return try forSalvage()
            }
        } catch let error as StoreError where error.code == .corrupt {
            guard mode != .salvage, case .damaged(let damage)? = error.cause as? LogError,
                let parts = try? forSalvage(damage)
            else { throw error }
            return parts
        }
    }
}
