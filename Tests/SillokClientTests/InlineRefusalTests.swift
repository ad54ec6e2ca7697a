import Foundation
import NIOCore
import SillokClient
import SillokGRPC
import SillokProjections
import SillokSQLite
import SillokTestSupport
import SillokWire
import Testing

/// An inline projection of the application that embeds the server refuses an append of a client.
@Suite struct InlineRefusalTests {
    private struct Poison: Error {}

    @Test func `a client is told that nothing was stored and that it is not to be repeated`() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteEventStore(path: folder())
        let projector = Projector(People(), .inline, from: store, into: store.readModel)
        try await projector.attach()
        let server = try await RunningServer(serving: store)
        let remote = try await RemoteEventStore(server.address)
        let coding = EventCoding<People.Event>()
        try await remote.append([try coding.encode(.named("Ada"))], to: "person-1")
        let refusal = await #expect(throws: AppendError.self) {
            try await remote.append([try coding.encode(.poison("?"))], to: "person-1")
        }?.failure
        #expect(refusal?.code == .refused)
        #expect(refusal?.outcome == .definite)
        #expect(refusal?.message.contains("people v1 is inline and cannot project poison of person-1") == true)

        // The same by UmaDB's protocol: one event of the type, without an id.
        let client = try await RawClient(port: server.port)
        let poison = try coding.encode(.poison("?"))
        var event = UmaDB.Event.unread
        (event.type, event.data) = (poison.type, poison.payload)
        var message = UmaDB.AppendRequest.unread
        message.events = [event]
        let status = try await client.call("/umadb.v1.DCB/Append", message.framed()).status()
        #expect(status?.code == .invalidArgument)
        #expect(status?.message.contains("people v1 is inline") == true)
        #expect(try await store.head() == 1)
        try await remote.append([try coding.encode(.named("Eve"))], to: "person-1")
        let rows = try await store.readModel.rows("SELECT count(*) AS n FROM \(table: "people")")
        #expect(rows.first?["n"] == 2)
        await client.close()
        await remote.close()
        await server.stop()
        await store.close()
    }

    /// Takes everything but poison.
    private struct People: Projection {
        enum Event: Codable, Sendable {
            case named(String), poison(String)
        }

        let name = "people"
        let version = 1
        let source = EventQuery.all
        let schema: [SQL] = ["CREATE TABLE \(table: "people") (name TEXT NOT NULL)"]

        func project(_ event: Recorded<Event>) throws -> [SQL] {
            guard case .named(let name) = event.payload else { throw Poison() }
            return ["INSERT INTO \(table: "people") VALUES (\(name))"]
        }
    }
}
