import ArgumentParser
import Foundation
import Sillok
import SillokSQLite
import SillokTerminal

/// The store that a command works on.
struct StoreArgument: ParsableArguments {
    @Argument(help: "The file of the store.", completion: .file())
    var store: String

    func validate() throws {
        if store.isEmpty { throw ValidationError("The path of the store is empty.") }
    }

    /// Opens the store for reading, also while another process writes to it, and closes it after `body`.
    func reading<Result>(_ body: (any EventStore) async throws -> Result) async throws -> Result {
        try await with(.readOnly, body)
    }

    /// Opens the store for writing, makes it if there is none, and closes it after `body`.
    func writing<Result>(_ body: (any EventStore) async throws -> Result) async throws -> Result {
        let isNew = !FileManager.default.fileExists(atPath: store)
        return try await with(.create) { opened in
            if isNew { Console.current.note("made a new store: \(store.visible)") }
            return try await body(opened)
        }
    }

    /// Opens the store in a mode and closes it after `body`.
    func with<Result>(
        _ mode: SQLiteEventStore.Mode, _ body: (SQLiteEventStore) async throws -> Result
    ) async throws -> Result {
        if mode != .create && !FileManager.default.fileExists(atPath: store) {
            throw CommandFailure(
                .notFound, "there is no store \(store.visible)",
                hint: "sillok append and sillok import make a store where there is none.")
        }
        let opened = try SQLiteEventStore(path: store, mode: mode)
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

/// How results are shown.
struct ShowOptions: ParsableArguments {
    @Flag(help: "Print JSON for machines, one object a line.")
    var json = false
}
