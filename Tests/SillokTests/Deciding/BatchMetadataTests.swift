import Sillok
import Testing

@Suite struct BatchMetadataTests {
    private struct Note: Decider {
        enum Command: Sendable { case note }
        enum Event: Codable, Equatable, Sendable { case noted }
        enum Refusal: Error {}
        func decide(_ command: Command) throws(Refusal) -> [Event] { [.noted] }
        mutating func evolve(_ event: Event) {}
    }

    @Test func `each command of a batch has its own metadata before that of the task`() async throws {
        let store = MemoryEventStore()
        let notes = CommandHandler<Note>("note", in: store)
        var own = Metadata(actor: "ada", commandID: CommandID())
        own["parents"] = "1 2"
        let id = CommandID()
        for _ in 0..<2 {
            try await Metadata.$current.withValue(Metadata(actor: "grace", correlationID: "import")) {
                _ = try await notes.execute([("a", .note, own), ("b", .note, Metadata())], id: id)
            }
        }
        let events = try await store.read(.all).events
        #expect(events.map(\.metadata.actor) == ["ada", "grace"])
        #expect(events.map { $0.metadata["parents"] } == ["1 2", nil])
        #expect(events.map(\.metadata.correlationID) == ["import", "import"])
        #expect(events.map(\.metadata.commandID) == [id, id])
    }
}
