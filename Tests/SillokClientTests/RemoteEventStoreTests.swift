import Sillok
import SillokClient
import SillokServer
import Testing

@Suite struct RemoteEventStoreTests {
    private let store = MemoryEventStore()

    private var impatient: RemoteEventStore.Options {
        var options = RemoteEventStore.Options()
        options.timeout = .milliseconds(200)
        return options
    }

    /// What the README says.
    private func connected() async throws -> any EventStore {
        let store = try await RemoteEventStore("sillok://127.0.0.1:50051")
        return store
    }

    @Test(arguments: [
        ("sillok://localhost", "sillok://localhost:50051"), ("https://a.example", "https://a.example:443"),
        ("sillok://[::1]:7", "sillok://[::1]:7"), ("https://a:9/", "https://a:9"),
    ])
    func `addresses are read`(_ text: String, _ whole: String) {
        #expect(ServerAddress(text)?.description == whole)
    }

    @Test(arguments: [
        "", "bank.sqlite", "http://a", "sillok://", "sillok://a:x", "sillok://a/b", "sillok://:1", "https://u@h",
    ])
    func `what is no address is not read`(_ text: String) { #expect(ServerAddress(text) == nil) }

    @Test func `nobody answers: a definite failure that says where`() async throws {
        await #expect {
            try await RemoteEventStore("sillok://127.0.0.1:1", impatient)
        } throws: { error in
            guard let error = error as? StoreError else { return false }
            return error.code == .unavailable && error.outcome == .definite && error.message.contains("127.0.0.1:1")
        }
    }

    @Test func `a server that starts again costs time and no error`() async throws {
        let first = try await RunningServer(serving: store)
        let remote = try await RemoteEventStore(first.address)
        try await remote.append([EventData(type: "a", text: "{}")])
        var configuration = GRPCServer.Configuration()
        await first.stop()
        async let receipt = remote.append([EventData(type: "b", text: "{}")])
        configuration.port = first.port
        let second = try await RunningServer(serving: store, configuration, isPortKept: true)
        #expect(try await receipt.position == 2)
        await remote.close()
        await second.stop()
    }

    @Test func `a server that serves another store is noticed`() async throws {
        let first = try await RunningServer(serving: store)
        let remote = try await RemoteEventStore(first.address)
        await first.stop()
        var configuration = GRPCServer.Configuration()
        configuration.port = first.port
        let second = try await RunningServer(serving: MemoryEventStore(), configuration, isPortKept: true)
        await #expect { try await remote.head() } throws: { ($0 as? StoreError)?.code == .storeChanged }
        await remote.close()
        await second.stop()
    }

    @Test func `a closed store says so`() async throws {
        let server = try await RunningServer(serving: store)
        let remote = try await RemoteEventStore(server.address)
        await remote.close()
        await #expect { try await remote.head() } throws: { ($0 as? StoreError)?.code == .closed }
        await server.stop()
    }

    @Test func `an append without an answer has an unknown outcome`() async throws {
        let server = try await RunningServer(serving: SilentStore(base: store))
        var options = RemoteEventStore.Options()
        (options.timeout, options.attempt) = (.zero, .seconds(3))
        let remote = try await RemoteEventStore(server.address, options)
        await #expect { try await remote.append([EventData(type: "a", text: "{}")]) } throws: { error in
            (error as? AppendError)?.failure?.outcome == .unknown
        }
        await remote.close()
        await server.stop()
    }

    @Test func `a wait that is cancelled ends`() async throws {
        let server = try await RunningServer(serving: store)
        let remote = try await RemoteEventStore(server.address)
        let waiting = Task { try await remote.reach(1) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await remote.close()
        await server.stop()
    }
}

/// A store whose appends are never answered.
private struct SilentStore: ForwardingEventStore {
    let base: any EventStore

    func append(_ request: AppendRequest) async throws(AppendError) -> Receipt {
        do { try await Task.sleep(for: .seconds(3600)) } catch { throw AppendError(error) }
        return try await base.append(request)
    }
}
