import ArgumentParser
import Foundation
import Sillok
import SillokClient
import SillokSQLite
import SillokTerminal

/// The store that a command works on.
struct StoreArgument: ParsableArguments {
    @Argument(
        help: "The store: a file, postgres://user@host/database#schema, sillok://host:port or https://host:port.",
        completion: .file())
    var store: String

    init() {}

    /// The store at a place that was given in another way.
    init(place: String) { store = place }

    func validate() throws {
        if store.isEmpty { throw ValidationError("The path of the store is empty.") }
    }

    /// Opens the store for reading, also while another process writes to it, and closes it after `body`.
    func reading<Result>(_ body: (any EventStore) async throws -> Result) async throws -> Result {
        if let address = ServerAddress(store) { return try await with(address, body) }
        if let place = PostgresPlace(store) { return try await place.withStore(forWriting: false, body) }
        return try await with(.readOnly, body)
    }

    /// Opens the store for writing, makes it if there is none, and closes it after `body`.
    func writing<Result>(
        limits: Limits = Limits(), _ body: (any EventStore) async throws -> Result
    ) async throws -> Result {
        if let address = ServerAddress(store) { return try await with(address, body) }
        if let place = PostgresPlace(store) {
            return try await place.withStore(forWriting: true, limits: limits, body)
        }
        let isNew = !FileManager.default.fileExists(atPath: store)
        return try await with(.create, limits: limits) { opened in
            if isNew { Console.current.note("made a new store: \(store.visible)") }
            return try await body(opened)
        }
    }

    /// Opens the file, and shows how far it has come if the file is converted to a newer format.
    private func open(_ mode: SQLiteEventStore.Mode, _ limits: Limits) throws -> SQLiteEventStore {
        let progress = StepProgress(console: .current) { _ in "Converting the store to the current format" }
        defer { progress.finish() }
        return try SQLiteEventStore(path: store, mode: mode, limits: limits, progress: { progress.update($0) })
    }

    /// Opens the store in a mode and closes it after `body`.
    func with<Result>(
        _ mode: SQLiteEventStore.Mode, limits: Limits = Limits(), _ body: (SQLiteEventStore) async throws -> Result
    ) async throws -> Result {
        if let address = ServerAddress(store) {
            throw CommandFailure(.usage, "this works on the file of a store, not through the server at \(address).")
        }
        if mode != .create && !FileManager.default.fileExists(atPath: store) {
            throw CommandFailure(
                .notFound, "there is no store \(store.visible)",
                hint: "sillok append and sillok import make a store where there is none.")
        }
        let opened = try open(mode, limits)
        do {
            let result = try await body(opened)
            await opened.close()
            return result
        } catch {
            await opened.close()
            throw error
        }
    }
}

extension StoreArgument {
    /// Connects to a server and closes the connection after `body`. The token comes from `SILLOK_TOKEN`.
    private func with<Result>(
        _ address: ServerAddress, _ body: (any EventStore) async throws -> Result
    ) async throws -> Result {
        var options = RemoteEventStore.Options()
        options.token = ProcessInfo.processInfo.environment["SILLOK_TOKEN"]
        options.patience = .seconds(5)
        let remote = try await RemoteEventStore(address.description, options)
        do {
            let result = try await body(remote)
            await remote.close()
            return result
        } catch {
            await remote.close()
            throw error
        }
    }
}

/// How results are shown.
struct ShowOptions: ParsableArguments {
    @Flag(help: "Print JSON for machines, one object a line.")
    var json = false
}

/// Whether recorded times may be far ahead of the clock.
struct FutureOption: ParsableArguments {
    @Flag(
        help: """
            Take recorded times that are more than five minutes ahead of the clock.
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
