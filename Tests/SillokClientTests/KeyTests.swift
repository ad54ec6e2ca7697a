import Sillok
import SillokClient
import SillokServer
import SillokTesting
import Testing

/// The same keys over gRPC as over HTTP: scopes and resources hold for every method.
@Suite struct KeyTests {
    @Test func `a key reaches what it was made for and nothing else`() async throws {
        let store = MemoryEventStore()
        let own = EventData(type: "opened", text: "{}")
        let other = EventData(type: "opened", text: "{}")
        try await store.append([own], to: "account-1")
        try await store.append([other], to: "order-1")
        let keyring = Keyring(log: MemoryEventStore())
        try await keyring.load()
        let (_, secret) = try await keyring.create(
            "reader", Grant([.read], on: [ResourcePattern("account-*")]), by: "a test")
        let gatekeeper = Gatekeeper(keyring: keyring)
        let server = try await RunningServer(serving: store, authorizer: gatekeeper.authorizer)

        var options = RemoteEventStore.Options()
        await #expect { try await RemoteEventStore(server.address, options) } throws: { isDenied($0) }
        options.token = secret.revealed
        let remote = try await RemoteEventStore(server.address, options)
        #expect(try await remote.read(.stream("account-1")).events.count == 1)
        #expect(try await remote.read(.category("account")).events.count == 1)
        #expect(try await remote.event(own.id)?.stream == "account-1")
        #expect(try await remote.stream("account-1")?.revision == 1)
        #expect(try await remote.streams(in: "account", after: nil, limit: 10).count == 1)
        await #expect { try await remote.read(.all) } throws: { isDenied($0) }
        await #expect { try await remote.read(.stream("order-1")) } throws: { isDenied($0) }
        await #expect { try await remote.event(other.id) } throws: { isDenied($0) }
        await #expect { try await remote.stream("order-1") } throws: { isDenied($0) }
        await #expect { try await remote.streams(in: nil, after: nil, limit: 10) } throws: { isDenied($0) }
        await #expect { try await remote.append([EventData(type: "a", text: "{}")], to: "account-1") } throws: {
            isDenied($0)
        }
        #expect(try await store.head() == 2)
        await remote.close()
        await server.stop()
    }

    private func isDenied(_ error: any Error) -> Bool { (error as? StoreError)?.code == .accessDenied }
}
