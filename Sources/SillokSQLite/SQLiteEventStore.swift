import CSQLite
public import SillokChain
public import SillokCore
import SillokIndex
import SillokSQL
import SillokSQLiteConnections
package import SillokSQLiteModels
import SillokStorage
import SillokSystem
import SillokThreads

/// A log in one SQLite file: durable, embedded, and fast, with nothing to set up.
///
/// An acknowledged append is on the disk (`synchronous = FULL`). One thread writes and commits all waiting appends
/// together, so that one fsync serves many; a few threads read. No call blocks the cooperative pool. One process at a
/// time may write; other processes can open the file as read-only meanwhile.
///
/// ```swift
/// let store = try SQLiteEventStore(path: "bank.sqlite")
/// ```
public final class SQLiteEventStore: ChainedEventStore {
    /// The mode in which a file is opened.
    public enum Mode: Hashable, Sendable {
        /// For reading and writing; the file is created if there is none.
        case create
        /// For reading and writing; the file must exist.
        case existing
        /// For reading only, even while another process writes. Tools use it.
        case readOnly
    }

    /// The limits that this store enforces.
    public let limits: Limits

    /// The path of the file.
    public let path: String

    private let id: StoreID
    private let mode: Mode
    let tuning: Tuning
    /// The file that is open.
    let file: OpenedFile
    let reads: StoreReads<EventReader>
    /// `nil` for a store that was opened as read-only.
    private let appends: StoreAppends<Writer>?
    /// The chain that the writer keeps; `nil` also for a store that was opened as read-only.
    private let writtenChain: Chain?
    /// The access to the read model in the file.
    package let model: StoreModelAccess
    private let observers = AppendObservers()

    /// Opens a store. Blocks until the file is open: milliseconds, more after a crash.
    ///
    /// - Parameters:
    ///   - path: the file. While it is open there are three more files: `-wal`, `-shm` and `-lock`.
    ///   - mode: how the file is opened.
    ///   - limits: the maximum sizes of requests.
    ///   - clock: the clock for recorded times.
    ///   - ids: the source of the identity of a new store.
    ///   - keepsChain: switches the hash chain of the log on or off. The file keeps this setting; `nil` does not change
    ///     it. A new file, and one that is converted from format 1, has a chain by default. If it is switched on later,
    ///     the chain begins with the next event.
    ///   - random: the source of the secret of a new store, which keeps clients from choosing ids that collide in its
    ///     index. It must be unpredictable in production.
    ///   - progress: called on the calling thread while an older format is converted, about once per million events. A
    ///     million events take seconds. If the process ends meanwhile, the file is unchanged.
    /// - Throws: `StoreError`: `locked` if another process writes to it, `notFound`, `unsupportedFormat` if the file is
    ///   not a store, `readOnly`, `ioFailure`, `corrupt`.
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

    /// Opens a store with other maintenance sizes.
    package init(
        path: String, mode: Mode, limits: Limits, clock: WallClock, ids: IDGenerator = .system,
        keepsChain: Bool? = nil, random: any RandomNumberGenerator = SystemRandomNumberGenerator(), tuning: Tuning,
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) throws {
        let (limits, tuning) = (limits.supported, tuning.supported)
        (self.path, self.mode) = (path, mode)
        (self.limits, self.tuning) = (limits, tuning)
        let opening = StoreOpening(path: path, mode: mode, limits: limits, tuning: tuning)
        // The thread that writes is started last, so that an earlier failure leaves nothing behind.
        try opening.probe()
        let lock = mode == .readOnly ? nil : try FileLock(storeAt: path)
        let isNew = mode == .create && Self.makeFile(path)
        let origins = Schema.Origins(
            ids: ids, random: random, clock: clock, keepsChain: keepsChain, progress: progress)
        let signal = HeadSignal()
        var opened: Writer?
        let found: (file: OpenedFile, id: StoreID, readers: [EventReader])
        do {
            opened = try lock.map { _ in try opening.writer(origins, clock: clock) }
            if let opened { signal.advance(to: Position(UInt64(try opened.reader.head()))) }
            found = try opening.readers(opened?.connection.file)
        } catch {
            // A new file is of no use to anyone, as long as the lock is held.
            opened = nil
            if isNew, let lock { Self.removeFiles(resolvedPath(path), lock) }
            throw error
        }
        (id, file, writtenChain) = (found.id, found.file, opened?.chain)
        reads = StoreReads(
            found.readers, limits, announcedBy: signal, isFollowing: mode == .readOnly, reported: StoreError.reading
        ) { try $0.page($1, $2) }
        let handover = opened.map { Handover($0) }
        opened = nil
        let appends = lock.flatMap { [file] lock in
            handover.map {
                StoreAppends($0, lock: lock, isNew: isNew, limits, announcingTo: signal) {
                    Self.removeFiles(file.opened, $0)
                }
            }
        }
        self.appends = appends
        model = StoreModelAccess(
            path: path, file: { [file] in file }, write: appends.map(Self.modelling))
    }

    /// Returns what lets the thread that writes use the read model.
    private static func modelling(_ appends: StoreAppends<Writer>) -> StoreModelAccess.Submit {
        { request in try await appends.use(.model(request)) }
    }

    /// Makes an empty file; `false` if there is one, or none can be made.
    private static func makeFile(_ path: String) -> Bool {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return false }
        shut(descriptor)
        return true
    }

    /// Removes the files of a store whose lock is held, and that of the lock last.
    private static func removeFiles(_ path: String, _ lock: FileLock) {
        for ending in ["", "-wal", "-shm", "-journal"] { unlink(path + ending) }
        lock.removeFile()
    }

    deinit {
        reads.abandon()
        appends?.abandon()
    }

    /// Finishes running appends and reads, moves the write-ahead log into the file, and releases the lock of the file.
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

    /// Returns the identity that was written when the store was created.
    public func storeID() async throws -> StoreID { id }

    /// Records all of the events or none, under a condition, and on the disk before it returns.
    ///
    /// A task that is cancelled while its append waits for the writer withdraws it. It gets `AppendError.failed` with
    /// `cancelled` and a definite outcome. Once the commit has begun, the task waits and gets the result of the append.
    public func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        try await observers.measure(request) {
            try limits.check(request)
            guard let appends else { throw model.readOnly }
            return try await appends.record(PreparedAppend(request, isChained: writtenChain != nil)) {
                try await reads.judge($0)
            }
        }
    }

    /// Reports every later append to `observe`, which must not block.
    public func observeAppends(_ observe: @escaping @Sendable (AppendMeasurement) -> Void) -> Bool {
        observers.add(observe)
        return true
    }

    /// Reads one page of events.
    public func read(_ request: ReadRequest) async throws -> EventBatch { try await reads.page(request) }

    /// Returns the position of the last event.
    ///
    /// A store that is open for writing keeps it in memory. The result is never lower than the head of an earlier read.
    /// A store that was opened as read-only reads it from the file.
    public func head() async throws -> Position { try await reads.head() }

    /// Waits until the log may have an event of a query at or after `position`.
    ///
    /// A store that was opened as read-only checks the file every 50 milliseconds, because another process writes to
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

    /// Returns the hash chain of the log, or `nil` if the file keeps none.
    public func chain() async throws -> Chain? { try await reads.read { try Schema.chain($0.connection) } }

    /// Returns the links of the hash chain after a position.
    public func links(after position: Position, limit: Int) async throws -> [ChainLink] {
        try await reads.links(after: position, limit: limit)
    }

    /// Verifies everything that is stored: checksums, positions, times, revisions, index, tracking, file structure.
    ///
    /// Works on one snapshot, next to readers and writers, on a thread and a connection of its own. Memory grows by one
    /// byte for each name in the store and by some tens of bytes for each stream, but not with the number of events.
    /// The write-ahead log grows with every append during the verification.
    /// - Parameter progress: called at intervals with the progress, on the thread that verifies.
    /// - Returns: a report with the findings. Data that cannot be read is a finding too.
    /// - Throws: `CancellationError` when the task is cancelled; `StoreError`: `closed` if the store is closed
    ///   meanwhile, `fileReplaced` if the path leads to another file by now, and the errors of opening the file.
    public func verify(
        progress: @escaping @Sendable (WorkProgress) -> Void = { _ in }
    ) async throws -> VerificationReport {
        let opening = StoreOpening(path: path, mode: mode, limits: limits, tuning: tuning)
        return try await reads.longWork.runOnThread { [file] cancellation in
            try Result { try opening.verification(file, progress, cancellation).run() }
                .mapError(StoreError.reading).get()
        }
    }
}
