import Foundation
import Sillok
import SillokClient
import SillokConformance
import SillokSQLite
import SillokTesting
import Testing

/// A store that is served, and reached over the network.
private final class ServedStore: EventStore {
    let remote: RemoteEventStore
    private let server: RunningServer
    private let file: SQLiteEventStore

    init(_ path: String, _ place: EventStoreSuite.Place) async throws {
        file = try SQLiteEventStore(path: path, limits: place.limits, clock: place.clock)
        server = try await RunningServer(serving: file)
        remote = try await RemoteEventStore(server.address)
    }

    func close() async {
        await remote.close()
        await server.stop()
        await file.close()
    }

    var limits: Limits { remote.limits }
    func storeID() async throws -> StoreID { try await remote.storeID() }
    func append(_ request: AppendRequest) async throws -> Receipt { try await remote.append(request) }
    func read(_ request: ReadRequest) async throws -> EventBatch { try await remote.read(request) }
    func head() async throws -> Position { try await remote.head() }
    func reach(_ position: Position, for query: EventQuery) async throws {
        try await remote.reach(position, for: query)
    }
    func event(_ id: EventID) async throws -> RecordedEvent? { try await remote.event(id) }
    func stream(_ id: StreamID) async throws -> StreamFacts? { try await remote.stream(id) }
    func streams(in category: Category?, after name: StreamID?, limit: Int) async throws -> [StreamFacts] {
        try await remote.streams(in: category, after: name, limit: limit)
    }
    func tracking(of source: TrackingSource) async throws -> Tracking? { try await remote.tracking(of: source) }
}

@Suite(.serialized) struct RemoteConformanceTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sillok-remote-\(EventID())")

    @Test(arguments: EventStoreSuite.checks)
    func `a store on a server keeps its promises`(_ check: EventStoreSuite.Check) async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let folder = folder
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 40),
            open: { place in try await ServedStore(folder.appendingPathComponent(place.name).path, place) },
            close: { store, _ in await (store as? ServedStore)?.close() })
        try await suite.run(check)
    }
}
