#if Postgres
import SillokCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A listener that waits for the head to rise, on its own thread and connection. It uses LISTEN and also polls.
///
/// A poll catches a lost notification and detects a dead connection. A pooler could deliver notifications to any
/// client, so behind one the listener only polls, at a shorter interval.
final class Listener: Sendable {
    private struct State {
        var isStarted = false
        var isClosed = false
        var waiters = 0
    }

    private let address: ServerAddress
    private let signal: HeadSignal
    private let state = Lock(State())
    /// The milliseconds to wait for a notification before a poll.
    private static let listenInterval: Int32 = 1000
    /// The microseconds between polls if there are no notifications.
    private static let lookInterval: UInt32 = 20_000

    init(_ address: ServerAddress, _ signal: HeadSignal) {
        self.address = address
        self.signal = signal
    }

    /// Waits until the head is at or past `position`.
    func reach(_ position: Position) async throws {
        if signal.head >= position { return try await signal.reach(position) }
        let starts = state.withLock { state in
            state.waiters += 1
            defer { state.isStarted = true }
            return !state.isStarted && !state.isClosed
        }
        defer { state.withLock { $0.waiters -= 1 } }
        if starts { startThread { [self] in run() } } else { state.wakeAll() }
        try await signal.reach(position)
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
        let session = Session(address, for: .reading, patience: .zero)
        while isNeeded() {
            do {
                try session.retrying { connection in
                    if connection.isPooled { try look(connection) } else { try listen(connection) }
                }
            } catch {
                session.disconnect()
                // The server is away: the listener tries again until it is back.
                usleep(100_000)
            }
        }
    }

    private func look(_ connection: Connection) throws {
        while isNeeded() {
            try advance(connection)
            usleep(Self.lookInterval)
        }
    }

    /// Takes notifications also when no caller waits: the server keeps them all until they are taken.
    private func listen(_ connection: Connection) throws {
        _ = try connection.run(Query("LISTEN \(address.quotedSchema)"))
        try advance(connection)
        while !isClosed {
            var descriptor = pollfd(fd: connection.socket, events: Int16(POLLIN), revents: 0)
            if poll(&descriptor, 1, Self.listenInterval) > 0 {
                // A notification is a hint: every role of the database may send one, with any position.
                let announced = try connection.notifications().compactMap { UInt64($0) }.max()
                if let announced, announced > signal.head.value { try advance(connection) }
            } else if isWaitedFor {
                try advance(connection)
            }
        }
    }

    private func advance(_ connection: Connection) throws {
        signal.advance(to: try EventReader(connection, address, limits: Limits()).head())
    }
}
#endif
