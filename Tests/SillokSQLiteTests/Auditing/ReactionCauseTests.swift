import SillokHistory
import SillokProjections
import SillokSQLite
import Testing

@Suite("Causes of reactions")
struct ReactionCauseTests {
    private struct Mail: Decider {
        enum Command: Sendable { case send }
        enum Event: Codable, Equatable, Sendable { case sent }
        enum Refusal: Error {}
        func decide(_ command: Command) throws(Refusal) -> [Event] { [.sent] }
        mutating func evolve(_ event: Event) {}
    }

    @Test(
        "a command that a reaction executes carries the event as its cause, and its correlation",
        arguments: Storage.tested)
    func reactions(on storage: Storage) async throws {
        let place = try Place(storage)
        var books = try await Books(place)
        let opened = try await books.append(.opened(owner: "Ada"), 1)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        let mails = CommandHandler<Mail>("mail", in: books.store)
        let reacting = Task {
            try await projector.react("mails", from: .atBeginning) { _ in try await mails.execute(.send, on: "1") }
        }
        let store = books.store
        try await running(projector) {
            let isMailed = try await eventually { try await store.head() == opened.position.next }
            #expect(isMailed)
        }
        reacting.cancel()
        _ = await reacting.result
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
