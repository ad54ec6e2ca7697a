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
    let reads: StoreReads<LogReader>
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
    /// `nil` for a store that is only read.
    private let appends: StoreAppends<LogWriter>?
    /// The thread that maintains the index; `nil` for a store that is only read.
    let mover: IndexMover?
    /// The access to the read model in the folder.
    package let model: StoreModelAccess
    let rows: RowsFile
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
        let makeReader = parts.makeReader
        self.makeReader = makeReader
        reads = StoreReads(
            try (0..<self.tuning.readers).map { _ in try makeReader() }, self.limits, announcedBy: signal,
            isFollowing: self.mode == .readOnly, reported: StoreError.reading
        ) { try $0.readablePage($1, $2) { try EventBatch($0) } }
        mover = parts.writer?.writer.mover
        let (isNew, limits) = (parts.isNew, self.limits)
        let appends = parts.writer.map { writer, lock in
            StoreAppends(Handover(writer), lock: lock, isNew: isNew, limits, announcingTo: signal) {
                LogOpening.removeFiles(path, $0)
            }
        }
        self.appends = appends
        parts.writer?.writer.timer.start { [weak appends] in appends?.whenIdle { $0.writeIdleMark() } }
        let rows = parts.rows
        self.rows = rows
        model = StoreModelAccess(
            path: path, file: { try rows.file(makeReader) }, write: appends.map(Self.modelling))
    }

    deinit {
        mover?.refuseWaiting()
        reads.abandon()
        appends?.abandon()
    }

    /// Finishes running appends and reads, and releases the lock of the folder.
    ///
    /// Running queries of the read model, verifications and backups, and later calls, throw `StoreError` `closed`.
    /// Closing again does nothing.
    public func close() async { await close(removing: .none) }

    /// Closes the store and removes its files before another process can open them: while the lock is held.
    ///
    /// - Parameter onlyIfUnused: whether they stay unless this opening has made the store and nothing was written.
    package func closeRemovingFiles(onlyIfUnused: Bool) async {
        await close(removing: onlyIfUnused ? .ifUnused : .always)
    }

    private func close(removing removal: FileRemoval) async {
        mover?.refuseWaiting()
        await reads.close()
        await model.close()
        await appends?.close(removing: removal)
    }

    /// Calls `observe` after every commit that contains appends, on the thread that writes. It must not block. It
    /// replaces an earlier observer.
    public func onCommit(_ observe: @escaping @Sendable (CommitMeasurement) -> Void) {
        appends?.onCommit(observe)
    }

    /// The bytes of the appends that wait for the writer or are being committed.
    package var queuedBytes: Int { appends?.queuedBytes ?? 0 }

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
        try await observers.measure(request) {
            let runs = request.runs
            try limits.check(request, runs)
            guard let appends else { throw damage?.refusal ?? model.readOnly }
            let prepared = await LogRequest.prepared(request, runs, keys, isChained: identity.chainStart != nil)
            return try await appends.record(prepared) { try await reads.judge($0) }
        }
    }

    /// Reports every later append to `observe`, which must not block.
    public func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool {
        observers.add(observe)
        return true
    }
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
