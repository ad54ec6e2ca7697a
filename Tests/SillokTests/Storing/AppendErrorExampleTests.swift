import Sillok
import Testing

@Suite struct AppendErrorExampleTests {
    /// The function of the article `ErrorsAndRetries`.
    func note(_ event: EventData, in store: any EventStore) async -> String {
        do {
            let receipt = try await store.append([event], to: "note-1", if: .revision(1, of: "note-1"))
            return "stored at \(receipt.position)"
        } catch {
            switch error {
            case .conflict(let conflict): return "others have appended \(conflict.events.count) events"
            case .failed(let failure) where failure.outcome == .unknown: return "append the same event again"
            case .failed(let failure): return "not stored: \(failure.code)"
            case .invalid, .knownID, .tracking, .refused: return "not stored: \(error)"
            }
        }
    }

    @Test func `each error of an append has its answer`() async throws {
        let store = TroubledStore()
        let events = (0..<4).map { _ in EventData(type: "noted", text: "{}") }
        try await store.append([events[0]], to: "note-1")
        #expect(await note(events[1], in: store) == "stored at 2")
        #expect(await note(events[2], in: store) == "others have appended 1 events")
        store.add(.lostRequest)
        #expect(await note(events[3], in: store) == "append the same event again")
        store.add(.failure)
        #expect(await note(events[3], in: store) == "not stored: full")
        let invalid = await note(EventData(type: "", text: "{}"), in: store)
        #expect(invalid == "not stored: event 0 of the append: the name of the event type is empty")
    }
}
