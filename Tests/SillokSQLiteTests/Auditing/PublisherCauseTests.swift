import SillokHistory
import SillokProjections
import SillokSQLite
import Testing

@Suite("Causes of what publishers do")
struct PublisherCauseTests {
    private struct Mail: Decider {
        enum Command: Sendable { case send }
        enum Event: Codable, Equatable, Sendable { case sent }
        enum Refusal: Error {}
        func decide(_ command: Command) throws(Refusal) -> [Event] { [.sent] }
        mutating func evolve(_ event: Event) {}
    }

    @Test(
        "a command that a sink executes carries the event as its cause, and its correlation",
        arguments: Storage.stores)
    func causes(on storage: Storage) async throws {
        var books = try await Books(storage)
        let opened = try await books.append(.opened(owner: "Ada"), 1)
        let mails = CommandHandler<Mail>("mail", in: books.store)
        let store = books.store
        let publisher = Publisher(
            "mails", of: .category("account"), from: store, progressIn: books.model, starting: .atBeginning
        ) { _ in try await mails.execute(.send, on: "1") }
        try await publisher.catchUp()
        #expect(try await store.head() == opened.position.next)
        let events = try await store.read(.all).events
        let cause = try #require(events.first)
        let effect = try #require(events.dropFirst().first)
        #expect(effect.metadata.causationID == cause.id.description)
        #expect(effect.metadata.correlationID == cause.id.description)
        let tree = try await store.causes(of: effect)
        #expect(tree.nodes.map(\.depth) == [0, 1, 2])
        #expect(tree.events == events)
        await books.model.close()
    }
}
