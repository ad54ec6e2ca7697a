import NIOCore
import Sillok
import SillokClient
import SillokGRPC
import SillokSQLite
import SillokWire
import Testing

/// Calls as the client of commit 0672aac wrote them and as its server answered them, over the store of the fixtures.
@Suite("fixtures of 0672aac: calls", .timeLimit(.minutes(10)))
struct RecordedCallsTests {
    private let calls: [RecordedCall]

    init() throws { calls = try RecordedCall.all() }

    @Test("fixtures of 0672aac: the requests of its client get the answers that its server gave")
    func requests() async throws {
        #expect(Set(calls.map(\.method)).count == 9)
        try await RecordedCall.withStore { store in
            let server = try await RunningServer(serving: store)
            let client = try await RawClient(port: server.port)
            for (index, recorded) in calls.enumerated() {
                let call = try await client.call("/sillok.v1.EventStore/\(recorded.method)", recorded.request)
                #expect(try await call.status()?.code == .ok, "call \(index), \(recorded.method)")
                let message = try #require(call.state.withLock { $0.messages.first })
                var answer = ByteBuffer(repeating: 0, count: ProtobufWriter.frameBytes)
                answer.writeImmutableBuffer(message)
                #expect(
                    try recorded.outcome(of: answer) == recorded.outcome(of: recorded.answer),
                    "call \(index), \(recorded.method)")
            }
            await client.close()
            await server.stop()
        }
    }

    @Test("fixtures of 0672aac: a client reads the answers of its server as it reads a store of today")
    func answers() async throws {
        let (current, asked) = (Lock(0), Lock<Set<String>>([]))
        let server = try await CannedServer { path in
            asked.withLock { _ = $0.insert(String(path.split(separator: "/").last ?? "")) }
            // Every connection asks for the description first.
            return .framed(calls[path.hasSuffix("/Describe") ? 0 : current.withLock { $0 }].answer)
        }
        let client = try await RemoteEventStore(server.address)
        try await RecordedCall.withStore { store in
            #expect(try await client.storeID() == store.storeID())
            for (index, call) in calls.enumerated().dropFirst() {
                current.withLock { $0 = index }
                let (there, here) = (try await call.outcome(on: client), try await call.outcome(on: store))
                #expect(there == here, "call \(index), \(call.method)")
            }
        }
        #expect(asked.withLock { $0 } == Set(calls.map(\.method)))
        await client.close()
        await server.stop()
    }
}
