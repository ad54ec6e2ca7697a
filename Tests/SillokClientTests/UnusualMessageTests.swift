import NIOCore
import Sillok
import SillokClient
import SillokGRPC
import SillokServer
import SillokWire
import Testing

/// What a server answers to messages that are well-formed and say something unusual.
@Suite("Messages of both protocols", .timeLimit(.minutes(10)))
struct UnusualMessageTests {
    private func withServer(
        _ store: any EventStore = MemoryEventStore(),
        authorizer: @escaping Authorizer = { _, _, _ in .allowed(principal: "anyone") },
        _ body: (RawClient) async throws -> Void
    ) async throws {
        let server = try await RunningServer(serving: store, authorizer: authorizer)
        let client = try await RawClient(port: server.port)
        try await body(client)
        await client.close()
        await server.stop()
    }

    /// An append of `umadb.v1`, under a condition that nothing of the type `t` has come if it is asked for.
    private func append(
        _ events: [(uuid: String, data: String)], isConditional: Bool = true, tracking: Tracking? = nil
    ) -> ByteBuffer {
        var request = UmaDB.AppendRequest.unread
        request.events = events.map { event in
            var message = UmaDB.Event.unread
            (message.type, message.tags) = ("t", ["tag:1"])
            (message.data, message.uuid) = (Array(event.data.utf8), UmaDB.GivenID(event.uuid))
            return message
        }
        if isConditional {
            var item = UmaDB.QueryItem.unread
            item.item.types = ["t"]
            var condition = UmaDB.AppendCondition.unread
            condition.query = .unread
            condition.query?.items = [item]
            request.condition = condition
        }
        request.tracking = tracking.map { UmaDB.TrackingInfo($0) }
        return request.framed()
    }

    private static let zeros = "00000000-0000-0000-0000-000000000000"

    @Test("X4: an event of sillok.v1 without an id is a malformed message, and nothing is stored")
    func missingID() async throws {
        let store = MemoryEventStore()
        try await withServer(store) { client in
            var writer = ProtobufWriter(framed: true)
            let entry = writer.begin(1)
            let event = writer.begin(2)
            writer.text(2, "t")
            writer.text(5, "application/json")
            writer.bytes(6, Array("1".utf8))
            writer.end(event)
            writer.end(entry)
            let call = try await client.call("/sillok.v1.EventStore/Append", writer.finished())
            #expect(try await call.status()?.code == .invalidArgument)
            #expect(try await store.head() == 0)
        }
    }

    @Test("C21: a conditional append of events with the id of zeros is repeated by its contents")
    func zeros() async throws {
        let store = MemoryEventStore()
        try await withServer(store) { client in
            func ask(_ events: [(String, String)]) async throws -> (code: GRPCStatus.Code?, answer: [UInt8]?) {
                let call = try await client.call("/umadb.v1.DCB/Append", append(events))
                let code = try await call.status()?.code
                return (code, call.state.withLock { $0.messages.first.map { Array($0.readableBytesView) } })
            }
            let first = try await ask([(Self.zeros, "a"), (Self.zeros, "b")])
            #expect(first.code == .ok && first.answer == [8, 2])
            let second = try await ask([(Self.zeros, "a"), (Self.zeros, "b")])
            #expect(second.code == .ok && second.answer == [8, 2])
            #expect(try await store.head() == 2)
            for others in [[(Self.zeros, "a"), (Self.zeros, "c")], [(Self.zeros, "b")], [("", "a")]] {
                #expect(try await ask(others).code == .failedPrecondition, "\(others)")
            }
            #expect(try await store.head() == 2)
        }
    }

    @Test("C23: an append of no events stores its tracking, if its condition holds")
    func progress() async throws {
        let store = MemoryEventStore()
        try await withServer(store) { client in
            func code(_ position: UInt64) async throws -> GRPCStatus.Code? {
                let tracking = Tracking(source: "feed", position: position)
                return try await client.call("/umadb.v1.DCB/Append", append([], tracking: tracking)).status()?.code
            }
            #expect(try await code(5) == .ok)
            #expect(try await store.tracking(of: "feed")?.position == 5)
            #expect(try await code(5) == .failedPrecondition)
            try await store.append([EventData(type: "t", text: "1")], to: nil)
            #expect(try await code(6) == .failedPrecondition)
            #expect(try await store.tracking(of: "feed")?.position == 5)
        }
    }

    @Test("S3: a read of UmaDB's protocol ends soon after its key is revoked")
    func revokedRead() async throws {
        let store = MemoryEventStore(limits: Self.smallPages)
        let payload = "\"" + String(repeating: "x", count: 60_000) + "\""
        for _ in 0..<200 { try await store.append([EventData(type: "t", text: payload)], to: nil) }
        let (isValid, isJudged) = (Lock(true), Lock(false))
        let authorizer: Authorizer = { _, _, _ in
            defer { isJudged.withLock { $0 = true } }
            return isValid.withLock { $0 } ? .allowed(principal: "ada") : .unauthenticated("revoked")
        }
        try await withServer(store, authorizer: authorizer) { client in
            // The reader takes little at first, so that the read is still open when it is judged again.
            let call = try await client.call("/umadb.v1.DCB/Read", isRead: false)
            while !isJudged.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(2)) }
            isValid.withLock { $0 = false }
            try await Task.sleep(for: .milliseconds(1100))
            let channel = call.channel.withLock { $0 }
            try await channel?.setOption(.autoRead, value: true).get()
            channel?.read()
            #expect(try await call.status()?.code == .unauthenticated)
        }
    }

    private static var smallPages: Limits {
        var limits = Limits()
        limits.pageEvents = 2
        return limits
    }
}
