import Foundation
import Sillok
import SillokPostgres
import SillokSQLite

/// The log of the keys and of administrators' actions.
protocol AccessLog: EventStore {
    func close() async
}

/// Opens the log of the keys of a store: in a file, or in the store's database, in a schema of its own for all servers.
///
/// - Parameter isReplica: whether the database is a replica, whose keys are created at the primary.
func accessLog(_ path: String?, of store: String, isReplica: Bool = false) async throws -> any AccessLog {
    guard let place = PostgresPlace(path ?? store) else {
        return try await AccessStore(path: path ?? store + "-access")
    }
    #if Postgres
    let schema = path == nil ? (place.schema ?? "sillok") + "_access" : place.schema ?? "sillok_access"
    return try await PostgresEventStore(place.connection, schema: schema, mode: isReplica ? .readOnly : .create)
    #else
    throw place.isMissing
    #endif
}

#if Postgres
extension PostgresEventStore: AccessLog {}
#endif

/// The log of the keys and of administrators' actions, in a file next to the store. A server and the command line both
/// write to it, each for a moment only.
///
/// It is always open for reading, and open for writing only during an append, so that `sillok keys revoke` works while
/// the server runs.
final class AccessStore: ForwardingEventStore, AccessLog {
    private let path: String
    private let reader: SQLiteEventStore
    var base: any EventStore { reader }

    /// Opens the log, and makes it if there is none.
    init(path: String) async throws {
        self.path = path
        let isNew = !FileManager.default.fileExists(atPath: path)
        do {
            // Creates the file, or converts one of an older format: a conversion by another process later on would end
            // the reads of this one.
            try await Self.writing(path) { _ in }
        } catch is StoreError where !isNew {
            // It may be read-only, or another process may be writing to it. Reading reports the fault.
        }
        if isNew {
            try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
        reader = try SQLiteEventStore(path: path, mode: .readOnly)
    }

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        do {
            return try await Self.writing(path) { try await $0.append(request) }
        } catch is CancellationError {
            throw .failed(StoreError(.cancelled, "The task was cancelled while another process wrote to \(path)."))
        } catch {
            throw AppendError(error)
        }
    }

    func close() async { await reader.close() }

    /// Opens the file for writing for as long as `body` runs; waits a few seconds for another who does the same.
    private static func writing<Result: Sendable>(
        _ path: String, _ body: (SQLiteEventStore) async throws -> Result
    ) async throws -> Result {
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            do {
                return try await SQLiteEventStore(path: path).closing(after: body)
            } catch let error as StoreError where error.code == .locked && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
