#if Postgres
import SillokCore
import SillokSystem

/// Watches for events that other processes append, on a thread and a connection of its own: by LISTEN, and by looking
/// now and then. One look serves all who wait in this process.
///
/// A poll catches a lost notification and detects a dead connection. A pooler could deliver notifications to any
/// client, and a standby refuses LISTEN. There the listener only polls, at a shorter interval.
final class Listener: Sendable {
    private struct State {
        var isStarted = false
        var isClosed = false
        var waiters = 0
        /// The head of the last look; `nil` before the first.
        var lastHead: Position?
    }

    private let address: ServerAddress
    private let purpose: ServerAddress.Purpose
    private let signal: HeadSignal
    private let state = Lock(State())
    /// The milliseconds to wait for a notification before a poll.
    private static let listenInterval: Int32 = 1000
    /// The microseconds between polls if there are no notifications.
    private static let lookInterval: UInt32 = 20_000
    /// The longest time between polls of a standby that receives nothing new.
    private static let longestLookInterval: UInt32 = 200_000
    /// The microseconds until the second and the last attempt to find a server.
    private static let retryIntervals: (first: UInt32, last: UInt32) = (100_000, 1_000_000)

    /// - Parameter purpose: for which the store connects. A store that writes listens at the primary, also if a standby
    ///   is the first of several hosts.
    init(_ address: ServerAddress, for purpose: ServerAddress.Purpose, _ signal: HeadSignal) {
        self.address = address
        self.purpose = purpose
        self.signal = signal
    }

    /// Returns when the log may have an event of `query` at or after `position`.
    func reach(_ position: Position, for query: EventQuery) async throws {
        let starts = state.withLock { state in
            state.waiters += 1
            defer { state.isStarted = true }
            return !state.isStarted && !state.isClosed
        }
        defer { state.withLock { $0.waiters -= 1 } }
        if starts { startThread { [self] in run() } } else { state.wakeAll() }
        try await signal.reach(position, for: query)
    }

    /// Ends the thread.
    func close() {
        state.withLock { $0.isClosed = true }
        state.wakeAll()
    }

    /// Blocks until a caller waits, or until the end, when it returns `false`.
    private func isNeeded() -> Bool {
        state.wait { $0.isClosed ? false : $0.waiters > 0 ? true : nil }
    }

    private var isWaitedFor: Bool { state.withLock { $0.waiters > 0 } }
    private var isClosed: Bool { state.withLock { $0.isClosed } }

    private func run() {
        let session = Session(address, for: purpose, timeout: .zero, limitsAnswers: true)
        var pause = Self.retryIntervals.first
        while isNeeded() {
            do {
                try session.retrying { connection in
                    let isStandby = try isStandby(connection)
                    pause = Self.retryIntervals.first
                    if connection.isPooled || isStandby {
                        try look(connection, isStandby: isStandby)
                    } else {
                        try listen(connection)
                    }
                }
            } catch {
                session.disconnect()
                // The server is away: the listener tries again until it is back.
                sleep(pause)
                pause = min(pause * 2, Self.retryIntervals.last)
            }
        }
    }

    /// Sleeps, at most until the end.
    private func sleep(_ microseconds: UInt32) {
        var left = microseconds
        while left > 0, !isClosed {
            let part = min(left, 100_000)
            usleep(part)
            left -= part
        }
    }

    /// Returns whether the server is a standby. It refuses LISTEN, and nothing notifies it.
    private func isStandby(_ connection: Connection) throws -> Bool {
        try connection.run(Query("SELECT pg_is_in_recovery()")).bytes(0, 0).first == 1
    }

    /// Polls while a caller waits. Returns when a standby has become a primary.
    private func look(_ connection: Connection, isStandby: Bool) throws {
        var pause = Self.lookInterval
        while isNeeded() {
            let place = signal.announced
            try advance(connection)
            if isStandby {
                if try !self.isStandby(connection) { return }
                pause = signal.announced > place ? Self.lookInterval : min(pause * 2, Self.longestLookInterval)
            }
            usleep(pause)
        }
    }

    /// Takes notifications also when no caller waits: the server keeps them all until they are taken.
    private func listen(_ connection: Connection) throws {
        _ = try connection.run(Query("LISTEN \(address.quotedSchema)"))
        try follow(connection)
        while !isClosed {
            var descriptor = pollfd(fd: connection.socket, events: Int16(POLLIN), revents: 0)
            if poll(&descriptor, 1, Self.listenInterval) > 0 {
                if try hasNews(connection) { try follow(connection) }
            } else if isWaitedFor {
                try follow(connection)
            }
        }
    }

    /// Announces until no notification is left. Those that arrive with the answer to a query do not wake `poll`.
    private func follow(_ connection: Connection) throws {
        repeat { try advance(connection) } while try !isClosed && hasNews(connection)
    }

    /// Takes the notifications, and returns whether one is of an event that was not announced.
    ///
    /// A notification is a hint: every role of the database may send one, with any position.
    private func hasNews(_ connection: Connection) throws -> Bool {
        let last = try connection.notifications().compactMap { UInt64($0) }.max()
        return last.map { $0 > signal.announced.value } ?? false
    }

    /// Announces what was appended since the last look. The writer of this process announces its own events.
    private func advance(_ connection: Connection) throws {
        let reader = EventReader(connection, address, limits: Limits())
        let (head, last) = (try reader.head(), state.withLock { $0.lastHead })
        state.withLock { $0.lastHead = head }
        if let last, head < last { return signal.restart(at: head) }
        guard last != nil, isWaitedFor else { return signal.advance(to: head) }
        let place = signal.announced
        if head > place { signal.announce(try reader.page(ReadRequest(after: .position(place))), after: place) }
    }
}
#endif
