import Foundation
import Sillok
import SillokLog
import SillokSQLite
import SillokTesting

/// A store in a file, or in a folder, that is replaced by an older copy of itself, which then grows by other events.
struct ReplacedStore: Sendable {
    /// The place of the store, and of read models.
    let place: Place
    private let isFolder: Bool
    /// What the store had before it was replaced.
    private(set) var old: [RecordedEvent] = []

    var folder: TemporaryFolder { place.folder }
    var path: String { folder(isFolder ? "log.sillok" : "log.sqlite") }
    private var copy: String { folder("copy") }

    /// Makes a store of six events, of which a copy has the first three.
    init(on storage: Storage) async throws {
        (place, isFolder) = (Place(storage), storage == .folder)
        try await appending([.opened(owner: "Ada"), .deposited(cents: 100), .deposited(cents: 55)])
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try await appending([10, 20, 30].map { .deposited(cents: $0) })
        let store = try open()
        old = try await store.read(.all).events
        await store.close()
    }

    func open() throws -> TestedStore {
        isFolder ? TestedStore(try LogEventStore(path: path)) : TestedStore(try SQLiteEventStore(path: path))
    }

    /// Opens the store, appends, and closes it.
    func appending(_ events: [AccountEvent]) async throws {
        let store = try open()
        for event in events {
            try await store.append([EventCoding<AccountEvent>().encode(event)], to: "account-1")
        }
        await store.close()
    }

    /// Puts the copy in the place of the store, and appends other events to it.
    func restore(then others: [Int]) async throws {
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: copy, toPath: path)
        try await appending(others.map { .deposited(cents: $0) })
    }
}

/// A store in memory that can go back while it is in use, as a server that fails over to a standby which lacks events.
final class FailingOverStore: ForwardingEventStore {
    private let state: Lock<MemoryEventStore>

    init() { state = Lock(MemoryEventStore()) }

    var base: any EventStore { state.withLock { $0 } }

    /// Goes back to the first events, and has others after them.
    func failOver(keeping count: Int, then others: [EventData]) async throws {
        let kept = try await base.read(.all).events.prefix(count)
        let next = MemoryEventStore(id: try await storeID())
        for event in kept { try await next.append([event.data], to: event.stream) }
        for event in others { try await next.append([event], to: "account-1") }
        state.withLock { $0 = next }
    }
}
