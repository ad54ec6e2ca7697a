#if Postgres
import SillokCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Watches for the head to rise, on a thread and a connection of its own: by LISTEN, and by looking now and then.
///
/// A look catches what a notification loses, and notices a connection that is dead. Where a pooler stands between, which
/// would hand notifications to anybody, it only looks, more often.
final class Listener: Sendable {
    private struct State {
        var isStarted = false
        var isClosed = false
        var waiters = 0
    }

    private let address: ServerAddress
    private let signal: HeadSignal
    private let state = Lock(State())
    /// Milliseconds that a notification is waited for before a look.
    private static let listenInterval: Int32 = 1000
    /// Microseconds between looks where there are no notifications.
    private static let lookInterval: UInt32 = 20_000

    init(_ address: ServerAddress, _ signal: HeadSignal) {
        self.address = address
        self.signal = signal
    }

    /// Returns when the head is at or past `position`.
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

    /// Blocks until a caller waits, or until the end: then `false`.
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
                // The server is away: it is looked for again until it is back.
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
