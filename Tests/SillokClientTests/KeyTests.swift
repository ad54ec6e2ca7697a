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
        // Whether there is an event that the grant does not reach is not told, as over HTTP.
        #expect(try await remote.event(other.id) == nil)
        await #expect { try await remote.stream("order-1") } throws: { isDenied($0) }
        await #expect { try await remote.streams(in: nil, after: nil, limit: 10) } throws: { isDenied($0) }
        await #expect { try await remote.append([EventData(type: "a", text: "{}")], to: "account-1") } throws: {
            isDenied($0)
        }
        #expect(try await store.head() == 2)
        await remote.close()
        await server.stop()
    }

    /// A server that asks for keys, and a client with a key of these scopes for `note-*`.
    private func withKey(
        _ scopes: Set<Scope>, for store: any EventStore,
        _ body: (RemoteEventStore, Keyring, String) async throws -> Void
    ) async throws {
        let keyring = Keyring(log: MemoryEventStore())
        try await keyring.load()
        let (key, secret) = try await keyring.create(
            "a key", Grant(scopes, on: [ResourcePattern("note-*")]), by: "a test")
        // A client describes the store first, which is reading.
        let (_, reader) = try await keyring.create("a reader", Grant([.read]), by: "a test")
        let authorizer = Gatekeeper(keyring: keyring).authorizer
        let server = try await RunningServer(serving: store) { credentials, operation, resource in
            var credentials = credentials
            if operation == .head { credentials.authorization = "Bearer \(reader.revealed)" }
            return await authorizer(credentials, operation, resource)
        }
        var options = RemoteEventStore.Options()
        options.token = secret.revealed
        let remote = try await RemoteEventStore(server.address, options)
        try await body(remote, keyring, key.id)
        await remote.close()
        await server.stop()
    }

    private static let recording: [(scopes: Set<Scope>, isAllowed: Bool)] = [
        ([.append, .read], false), ([.append, .import], true), ([.append, .admin], true),
    ]

    @Test("S1: a recorded time needs a right of its own, which admin and import have", arguments: recording)
    func recordedTimes(scopes: Set<Scope>, isAllowed: Bool) async throws {
        let store = MemoryEventStore()
        try await withKey(scopes, for: store) { remote, _, _ in
            try await remote.append([EventData(type: "a", text: "1")], to: "note-1")
            let time = WallClock.system.now().advanced(byMicroseconds: 60_000_000)
            let request = AppendRequest([
                .init(stream: "note-1", event: EventData(type: "a", text: "2"), recordedAt: time)
            ])
            if isAllowed {
                _ = try await remote.append(request)
            } else {
                await #expect { _ = try await remote.append(request) } throws: { isDenied($0) }
            }
            #expect(try await store.head() == (isAllowed ? 2 : 1))
        }
    }

    private static let seeing: [(scopes: Set<Scope>, count: Int)] = [([.append], 0), ([.append, .read], 1)]

    @Test("S2: a conflict has no events for a key that may not read, and has them for one that may", arguments: seeing)
    func conflicts(scopes: Set<Scope>, count: Int) async throws {
        let store = MemoryEventStore()
        try await store.append([EventData(type: "secret", text: "\"payload\"")], to: "note-1")
        try await withKey(scopes, for: store) { remote, _, _ in
            let request = AppendRequest(
                [.init(stream: "note-1", event: EventData(type: "a", text: "2"))], if: .revision(0, of: "note-1"))
            await #expect { _ = try await remote.append(request) } throws: { error in
                guard case AppendError.conflict(let conflict) = error else { return false }
                return conflict.events.count == count && conflict.streams["note-1"]?.actual == 1 && conflict.head == 1
            }
        }
    }

    private func isDenied(_ error: any Error) -> Bool { AppendError(error).failure?.code == .accessDenied }
}
