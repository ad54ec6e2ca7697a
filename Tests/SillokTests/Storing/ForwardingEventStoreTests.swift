import Sillok
import Testing

@Suite struct ForwardingEventStoreTests {
    private struct Plain: ForwardingEventStore {
        let base: any EventStore
    }

    @Test func `a store that implements nothing itself answers every call as the other store`() async throws {
        var limits = Limits()
        limits.tags = 3
        let base = MemoryEventStore(limits: limits)
        let store = Plain(base: base)
        let event = EventData(type: "noted", text: "{}")
        let receipt = try await store.append([event], to: "note-1", tracking: Tracking(source: "log", position: 7))
        #expect(try await base.append([event], to: "note-1", tracking: Tracking(source: "log", position: 7)) == receipt)
        #expect(store.limits == limits)
        #expect(try await store.storeID() == base.storeID())
        #expect(try await store.head() == 1)
        try await store.reach(1)
        #expect(try await store.event(event.id) == base.event(event.id))
        #expect(try await store.stream("note-1")?.revision == 1)
        #expect(try await store.streams(in: "note", after: nil, limit: 5).map(\.id) == ["note-1"])
        #expect(try await store.tracking(of: "log")?.position == 7)
        #expect(try await store.read(.all).events.map(\.id) == [event.id])
    }

    @Test func `the errors of an append are those of the other store`() async throws {
        let store = Plain(base: MemoryEventStore())
        do {
            try await store.append([EventData(type: "noted", text: "{}")], to: "a-1", if: .revision(4, of: "a-1"))
            Issue.record("it was stored")
        } catch {
            guard case .conflict(let conflict) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(conflict.streams["a-1"]?.expected == 4)
        }
    }
}
