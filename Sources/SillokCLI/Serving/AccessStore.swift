import Foundation
import Sillok
import SillokSQLite

/// The log of the keys and of administrators' actions, in a file next to the store. A server and the command line both
/// write to it, each for a moment only.
///
/// It is always open for reading, and open for writing only during an append, so that `sillok keys revoke` works while
/// the server runs.
final class AccessStore: EventStore {
    private let path: String
    private let reader: SQLiteEventStore

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

    var limits: Limits { reader.limits }

    func append(_ request: AppendRequest) async throws -> Receipt {
        try await Self.writing(path) { try await $0.append(request) }
    }

    func storeID() async throws -> StoreID { try await reader.storeID() }
    func read(_ request: ReadRequest) async throws -> EventBatch { try await reader.read(request) }
    func head() async throws -> Position { try await reader.head() }
    func reach(_ position: Position, for query: EventQuery) async throws {
        try await reader.reach(position, for: query)
    }
    func event(_ id: EventID) async throws -> RecordedEvent? { try await reader.event(id) }
    func stream(_ id: StreamID) async throws -> StreamFacts? { try await reader.stream(id) }
    func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await reader.streams(in: category, after: name, limit: limit)
    }
    func tracking(of source: TrackingSource) async throws -> Tracking? { try await reader.tracking(of: source) }

    func close() async { await reader.close() }

    /// Opens the file for writing for as long as `body` runs; waits a few seconds for another who does the same.
    private static func writing<Result: Sendable>(
        _ path: String, _ body: (SQLiteEventStore) async throws -> Result
    ) async throws -> Result {
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            do {
                let store = try SQLiteEventStore(path: path)
                do {
                    let result = try await body(store)
                    await store.close()
                    return result
                } catch {
                    await store.close(removing: .ifUnused)
                    throw error
                }
            } catch let error as StoreError where error.code == .locked && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
