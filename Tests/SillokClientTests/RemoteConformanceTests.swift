import Foundation
import Sillok
import SillokClient
import SillokConformance
import SillokSQLite
import SillokTestSupport
import SillokTesting
import Testing

/// A store that is served, and reached over the network.
private final class ServedStore: ForwardingEventStore {
    var base: any EventStore { remote }
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
}

@Suite(.serialized) struct RemoteConformanceTests {
    private let folder = TemporaryFolder()

    @Test(arguments: EventStoreSuite.checks)
    func `a store on a server keeps its promises`(_ check: EventStoreSuite.Check) async throws {
        let folder = folder
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 40),
            open: { place in try await ServedStore(folder(place.name), place) },
            close: { store, _ in await (store as? ServedStore)?.close() })
        try await suite.run(check)
    }
}
