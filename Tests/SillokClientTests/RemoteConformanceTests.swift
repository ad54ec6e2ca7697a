import Foundation
import Sillok
import SillokClient
import SillokConformance
import SillokLog
import SillokSQLite
import SillokTestSupport
import SillokTesting
import Testing

/// A store that is served, and reached over the network.
private final class ServedStore: ForwardingEventStore {
    var base: any EventStore { remote }
    let remote: RemoteEventStore
    private let server: RunningServer
    private let end: @Sendable () async -> Void

    init(_ path: String, _ place: EventStoreSuite.Place) async throws {
        if path.hasSuffix(".sillok") {
            let folder = try LogEventStore(path: path, mode: .create, limits: place.limits, clock: place.clock)
            (server, end) = (try await RunningServer(serving: folder), { await folder.close() })
        } else {
            let file = try SQLiteEventStore(path: path, limits: place.limits, clock: place.clock)
            (server, end) = (try await RunningServer(serving: file), { await file.close() })
        }
        remote = try await RemoteEventStore(server.address)
    }

    func close() async {
        await remote.close()
        await server.stop()
        await end()
    }
}

@Suite(.serialized) struct RemoteConformanceTests {
    private let folder = TemporaryFolder()

    @Test(arguments: EventStoreSuite.checks, [".sqlite", ".sillok"])
    func `a store on a server keeps its promises`(_ check: EventStoreSuite.Check, _ ending: String) async throws {
        let folder = folder
        let suite = EventStoreSuite(
            sequences: Environment.count("SILLOK_SEQUENCES", default: 40),
            open: { place in try await ServedStore(folder(place.name + ending), place) },
            close: { store, _ in await (store as? ServedStore)?.close() })
        try await suite.run(check)
    }
}
