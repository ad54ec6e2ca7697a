public import SillokCore

/// A runner that appends the events of several logs to one log, each exactly once, for consumers of all of them.
///
/// ```swift
/// let gatherer = Gatherer("shop", of: .all, from: stores, into: together)
/// try await gatherer.run()
/// ```
/// A projection or a process manager then reads the gathered log as it reads any log, with rebuilds, dead letters and
/// leases. The order between two logs is decided once, when an event is gathered. So a rebuild sees the same order.
///
/// The gathered log keeps how far each log was consumed, as the tracking of a source, in the same append as the events.
/// So a crash or a second runner neither loses nor doubles an event. An event whose id the gathered log already has,
/// with the same contents, is passed over: after a category was copied to another log, both logs have its events.
///
/// Events keep their ids, contents and the order of their log. They get new positions and times. Streams must have
/// different names in different logs; if they do not, as with tenants, give each log names of its own.
public struct Gatherer: Sendable {
    private let name: String
    private let query: EventQuery
    private let logs: [(name: LogName, store: any EventStore)]
    private let target: any EventStore
    private let rename: @Sendable (LogName, StreamID) -> StreamID
    private let clock: any Clock<Duration>

    /// Creates a gatherer. It does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - name: its name. The sources of the trackings are `name-log`. It must stay the same.
    ///   - query: the events to gather. Reserved categories, such as `process:…`, are left out unless it names them.
    ///   - set: the logs to read.
    ///   - logs: the names of the logs to read; by default all of the set.
    ///   - target: the log to append to. It may be a log of the set that is not read.
    ///   - rename: returns the name of a stream in the gathered log. It must return the same name each time.
    ///   - clock: the clock that measures pauses.
    /// - Throws: ``UnknownLog``; `InvalidRequest` if a source is not a valid name.
    public init(
        _ name: String, of query: EventQuery = .all, from set: StoreSet, logs: [LogName]? = nil,
        into target: any EventStore, clock: any Clock<Duration> = ContinuousClock(),
        renaming rename: @escaping @Sendable (LogName, StreamID) -> StreamID = { $1 }
    ) throws {
        (self.name, self.query, self.target, self.rename, self.clock) = (name, query, target, rename, clock)
        self.logs = try (logs ?? set.names).map { ($0, try set.store(named: $0)) }
        for log in self.logs {
            try target.limits.check(AppendRequest([], tracking: Tracking(source: source(log.name), .start)))
        }
    }

    /// The tracking source of a log in the gathered log.
    public func source(_ log: LogName) -> TrackingSource { TrackingSource("\(name)-\(log)") }

    /// Gathers events until the task is cancelled.
    ///
    /// A log that does not answer is tried again with a growing pause, and the others continue.
    /// - Throws: `CancellationError`; any other error of a store, such as `StoreError` `storeChanged` if a log does not
    ///   have the event up to which it was consumed. Run it again to continue.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (name, store) in logs {
                group.addTask {
                    var pause = Duration.milliseconds(50)
                    while true {
                        do {
                            try await follow(name, store) { pause = .milliseconds(50) }
                        } catch let error as StoreError where Self.isPassing(error) && !Task.isCancelled {
                            try await clock.sleep(for: pause)
                            pause = min(pause * 2, .seconds(5))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Gathers everything up to the current heads of the logs, and returns.
    public func catchUp() async throws {
        for (name, store) in logs {
            let head = try await store.head()
            while try await mark(of: name).position < head {
                let place = try await mark(of: name)
                let page = try await store.read(query, resumingAfter: place)
                if page.mark == place { break }
                if try await append(page, of: name, after: place), page.isEnd { break }
            }
        }
    }

    private func mark(of log: LogName) async throws -> EventMark {
        try await target.tracking(of: source(log))?.mark ?? .start
    }

    /// Follows a log until another runner was faster.
    private func follow(_ log: LogName, _ store: any EventStore, _ answered: () -> Void) async throws {
        var place = try await mark(of: log)
        for try await page in store.subscribe(to: query, resumingAfter: place, clock: clock) {
            guard try await append(page, of: log, after: place) else { return }
            answered()
            place = page.mark
        }
    }
}

extension Gatherer {
    private static func isPassing(_ error: StoreError) -> Bool {
        [.unavailable, .overloaded, .full, .locked].contains(error.code) || error.outcome == .unknown
    }

    /// Appends the events of a page, in as few appends as the limits of the gathered log allow. Returns `false` if the
    /// gathered log has another place meanwhile, so that the caller must read from there.
    private func append(_ page: EventBatch, of log: LogName, after start: EventMark) async throws -> Bool {
        var part = GatheredPart(after: start)
        for event in page.events where event.isGathered(by: query) {
            let stream = event.stream.map { rename(log, $0) }
            if part.add(event, as: stream, limits: target.limits) { continue }
            guard try await append(part, of: log, through: part.last) else { return false }
            part = GatheredPart(after: part.last)
            _ = part.add(event, as: stream, limits: target.limits)
        }
        // Nothing is recorded for a page without events, so that the gathered log does not grow while nothing happens.
        if part.entries.isEmpty { return true }
        return try await append(part, of: log, through: page.mark)
    }

    private func append(_ part: GatheredPart, of log: LogName, through mark: EventMark) async throws -> Bool {
        let tracking = Tracking(source: source(log), mark)
        do {
            try await target.append(AppendRequest(part.entries, tracking: tracking))
            return true
        } catch {
            switch error {
            case .tracking: return false
            case .failed(let failure) where failure.outcome == .unknown && !Task.isCancelled: return false
            case .knownID(let conflict):
                // Another runner appended them, or they came from another log to which they were copied.
                if try await self.mark(of: log) != part.start { return false }
                let new = try await unknown(part.entries, conflict)
                return try await append(GatheredPart(after: part.start, new), of: log, through: mark)
            case .failed where Task.isCancelled: throw CancellationError()
            case .failed, .invalid, .conflict, .refused: throw error.underlyingError
            }
        }
    }

    /// Returns the entries whose ids the gathered log does not have.
    ///
    /// - Throws: the conflict if it has one with other contents.
    private func unknown(
        _ entries: [AppendRequest.Entry], _ conflict: EventIDConflict
    ) async throws -> [AppendRequest.Entry] {
        var new: [AppendRequest.Entry] = []
        for entry in entries {
            guard let known = try await target.event(entry.event.id) else {
                new.append(entry)
                continue
            }
            guard known.stream == entry.stream, known.data.isSameFact(as: entry.event) else { throw conflict }
        }
        if new.count == entries.count { throw conflict }
        return new
    }
}

/// Events of one log that are appended together.
private struct GatheredPart {
    let start: EventMark
    private(set) var last: EventMark
    private(set) var entries: [AppendRequest.Entry] = []
    private var bytes = 0

    init(after start: EventMark, _ entries: [AppendRequest.Entry] = []) {
        (self.start, last, self.entries) = (start, start, entries)
    }

    /// Adds an event, unless the part must be appended first.
    mutating func add(_ event: RecordedEvent, as stream: StreamID?, limits: Limits) -> Bool {
        let size = event.data.size + (stream?.text.utf8.count ?? 0)
        let isFull = entries.count >= limits.batchEvents || bytes + size > limits.batchBytes
        if !entries.isEmpty && isFull { return false }
        entries.append(.init(stream: stream, event: event.data))
        bytes += size
        last = EventMark(event)
        return true
    }
}

extension RecordedEvent {
    /// Whether the event is gathered: events of reserved categories are, if the query names the category or the stream.
    fileprivate func isGathered(by query: EventQuery) -> Bool {
        guard let stream, stream.category.isReserved else { return true }
        return query.items.contains {
            ($0.stream == stream || $0.category == stream.category)
                && $0.matches(stream: stream, type: type, tags: tags)
        }
    }
}
