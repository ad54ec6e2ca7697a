import ArgumentParser
import Foundation
import Sillok
import SillokClient
import SillokLog
import SillokSQLite
import SillokTerminal

/// The store that a command works on.
struct StoreArgument: ParsableArguments {
    @Argument(
        help: """
            The store: a file, or a folder NAME.sillok with a log. Most commands also take \
            postgres://user@host/database#schema, sillok://host:port or https://host:port.
            """,
        completion: .file())
    var store: String

    init() {}

    /// The store at a place that was given in another way.
    init(place: String) { store = place }

    func validate() throws {
        if store.isEmpty { throw ValidationError("The path of the store is empty.") }
        guard let end = store.range(of: "://"), store[..<end.lowerBound].allSatisfy({ $0.isASCII && $0.isLetter }),
            ServerAddress(store) == nil, PostgresPlace(store) == nil
        else { return }
        let isHTTP = store.hasPrefix("http://")
        throw ValidationError(
            "\(store.visible) is not the address of a store. "
                + (isHTTP
                    ? "The command line speaks gRPC: sillok://host:port, or https://host:port with TLS."
                    : "Give a file, postgres://user@host/database#schema, sillok://host:port or https://host:port."))
    }

    /// Opens the store for reading, also while another process writes to it, and closes it after `body`.
    func reading<Result>(_ body: (any EventStore) async throws -> Result) async throws -> Result {
        if let address = ServerAddress(store) { return try await with(address, body) }
        if let place = PostgresPlace(store) { return try await place.withStore(for: .reading, body) }
        return try await with(.readOnly, body)
    }

    /// Opens the store for writing, makes it if there is none, and closes it after `body`.
    ///
    /// - Parameters:
    ///   - limits: how large a request may be.
    ///   - time: how long to wait for another process that writes to the file.
    func writing<Result>(
        limits: Limits = Limits(), waiting time: Duration = .zero, _ body: (any EventStore) async throws -> Result
    ) async throws -> Result {
        if let address = ServerAddress(store) { return try await with(address, body) }
        if let place = PostgresPlace(store) {
            return try await place.withStore(for: .writing, limits: limits, body)
        }
        let isNew = !FileManager.default.fileExists(atPath: store)
        let result = try await with(.create, limits: limits, waiting: time, body)
        if isNew { Console.current.note("made a new store: \(store.visible)") }
        return result
    }

    /// Opens the store, and shows the progress if a file is converted.
    private func open(_ mode: SQLiteEventStore.Mode, _ limits: Limits) throws -> any LocalStore {
        let kind = StoreKind(path: store)
        let progress = StepProgress(console: .current) { _ in "Converting the store to the current format" }
        defer { progress.finish() }
        let opened = try kind.open(store, mode, limits) { if kind == .file { progress.update($0) } }
        if let damage = (opened as? LogEventStore)?.damage { Console.current.note("\(damage)") }
        return opened
    }

    /// Opens the store in a mode and closes it after `body`.
    ///
    /// A file that was made for this, and that nothing was written to, is removed again when `body` fails.
    func with<Result>(
        _ mode: SQLiteEventStore.Mode, limits: Limits = Limits(), waiting time: Duration = .zero,
        _ body: (any LocalStore) async throws -> Result
    ) async throws -> Result {
        if let address = ServerAddress(store) {
            throw CommandFailure(.usage, "this works on the file of a store, not through the server at \(address).")
        }
        if PostgresPlace(store) != nil {
            throw CommandFailure(
                .usage, "this works on the file of a store, not on PostgreSQL.",
                hint: "Back up the database with pg_basebackup or pg_dump, or copy its events: sillok copy STORE FILE.")
        }
        if mode != .create && !FileManager.default.fileExists(atPath: store) {
            throw CommandFailure(
                .notFound, "there is no store \(store.visible)",
                hint: "sillok append and sillok import create the store if there is none.")
        }
        return try await open(mode, limits: limits, waiting: time).closing(after: body)
    }
}

extension StoreArgument {
    /// Opens the file, and tries again for a while if another process writes to it.
    private func open(
        _ mode: SQLiteEventStore.Mode, limits: Limits, waiting time: Duration
    ) async throws -> any LocalStore {
        let deadline = ContinuousClock.now + time
        while true {
            do {
                return try open(mode, limits)
            } catch let error as StoreError where error.code == .locked && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(Int.random(in: 5...30)))
            }
        }
    }

    /// Connects to a server and closes the connection after `body`. The token comes from `SILLOK_TOKEN`.
    private func with<Result>(
        _ address: ServerAddress, _ body: (any EventStore) async throws -> Result
    ) async throws -> Result {
        var options = RemoteEventStore.Options()
        options.token = ProcessInfo.processInfo.environment["SILLOK_TOKEN"]
        options.timeout = .seconds(5)
        let remote = try await RemoteEventStore(address.description, options)
        return try await closing(remote.close) { try await body(remote) }
    }
}

/// How long to wait for another process that writes to the store.
struct LockWaiting: ParsableArguments {
    @Option(help: "Seconds to wait while another process writes to the file. Without it the command fails at once.")
    var wait: Double?

    func validate() throws {
        if let wait, !(0...86_400).contains(wait) {
            throw ValidationError("--wait must be a number of seconds from 0 to 86400.")
        }
    }

    /// The time to wait.
    var time: Duration { .seconds(wait ?? 0) }
}

/// How results are shown.
struct ShowOptions: ParsableArguments {
    @Flag(help: "Print JSON, one object per line.")
    var json = false
}

/// Whether recorded times may be far ahead of the clock.
struct FutureOption: ParsableArguments {
    @Flag(
        help: """
            Accept recorded times that are more than five minutes ahead of the clock.
            Every later event gets at least that time.
            """)
    var allowFuture = false

    /// The limits of the store that is written.
    var limits: Limits {
        var limits = Limits()
        if allowFuture { limits.clockLead = .seconds(Int64.max / 1_000_000) }
        return limits
    }
}
