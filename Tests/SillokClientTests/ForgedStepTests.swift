import NIOCore
import Sillok
import SillokClient
import SillokGRPC
import SillokServer
import SillokWire
import Testing

/// A step of a process that a client makes up, over both protocols of gRPC.
@Suite("Forged steps", .timeLimit(.minutes(10)))
struct ForgedStepTests {
    private let step = EventData(type: "requestAccepted", text: "{}")

    @Test("forged step: refused over sillok.v1, with and without keys; a key that names the category may append")
    func own() async throws {
        let store = MemoryEventStore()
        let keyring = Keyring(log: MemoryEventStore())
        try await keyring.load()
        let (_, ordinary) = try await keyring.create("a", Grant([.read, .append]), by: "a test")
        let (_, runner) = try await keyring.create(
            "b", Grant([.read, .append], on: [ResourcePattern("process:checkout-*")]), by: "a test")
        let authorizers: [(Authorizer, Secret?)] = [
            (Gatekeeper.open.authorizer, nil), (Gatekeeper(keyring: keyring).authorizer, ordinary),
        ]
        for (authorizer, secret) in authorizers {
            let server = try await RunningServer(serving: store, authorizer: authorizer)
            let remote = try await RemoteEventStore(server.address, options(secret))
            for stream: StreamID in ["process:checkout-42", "webhook:endpoint-1", "schedule:mail-1"] {
                let error = await #expect(throws: AppendError.self) { try await remote.append([step], to: stream) }
                #expect("\(String(describing: error))".contains("\(stream) is reserved for the runners"))
            }
            #expect(try await store.head() == 0)
            await remote.close()
            await server.stop()
        }
        let server = try await RunningServer(serving: store, authorizer: Gatekeeper(keyring: keyring).authorizer)
        let remote = try await RemoteEventStore(server.address, options(runner))
        try await remote.append([step], to: "process:checkout-42")
        await #expect(throws: AppendError.self) { try await remote.append([step], to: "process:payment-1") }
        let reading = AppendRequest([], tracking: Tracking(source: "process:checkout-clock", position: 1))
        _ = try await remote.append(reading)
        await remote.close()
        await server.stop()
    }

    private func options(_ secret: Secret?) -> RemoteEventStore.Options {
        var options = RemoteEventStore.Options()
        options.token = secret?.revealed
        return options
    }

    @Test("forged step: UmaDB's protocol has no streams, so no event of it is a step")
    func umaDB() async throws {
        let store = MemoryEventStore()
        let server = try await RunningServer(serving: store, authorizer: Gatekeeper.open.authorizer)
        let client = try await RawClient(port: server.port)
        var event = UmaDB.Event.unread
        (event.type, event.tags) = ("requestAccepted", ["process:checkout-42", "stream:process:checkout-42"])
        for key in ["stream", "subject"] { event.metadata[key] = "process:checkout-42" }
        var message = UmaDB.AppendRequest.unread
        message.events = [event]
        #expect(try await client.call("/umadb.v1.DCB/Append", message.framed()).status()?.code == .ok)
        #expect(try await store.read(.all).events.map(\.stream) == [nil])
        #expect(try await store.read(.category("process:checkout")).events.isEmpty)
        #expect(try await store.stream("process:checkout-42") == nil)
        // The tracking by which a runner reads the time is no more theirs.
        message.events = []
        for (source, code) in [("process:checkout-clock", GRPCStatus.Code.permissionDenied), ("shop", .ok)] {
            message.tracking = UmaDB.TrackingInfo(Tracking(source: TrackingSource(source), position: .max >> 1))
            let status = try await client.call("/umadb.v1.DCB/Append", message.framed()).status()
            #expect(status?.code == code, "\(source): \(String(describing: status))")
        }
        await client.close()
        await server.stop()
    }
}
