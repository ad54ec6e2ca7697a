import SillokProjections
import SillokSQLite
import SillokTesting
import Testing

@Suite struct DamagedRowTests {
    @Test(
        "house 10: a row of Sillok's own tables that has no readable value is corruption, and not a zero or a default",
        arguments: [
            "UPDATE sillok_dead_letters SET state = 'lost'", "UPDATE sillok_dead_letters SET attempts = 'many'",
            "UPDATE sillok_builds SET target = -1", "UPDATE sillok_builds SET lifecycle = ''",
        ])
    func damaged(statement: String) async throws {
        var books = try await Books(.sqlite, accounts: 1)
        try await books.append(.poisoned(cents: 1), 1)
        let projector = Projector(Balances(), from: books.store, into: books.model)
        try await projector.catchUp()
        #expect(try await projector.readSide.deadLetters(of: "balances").count == 1)
        try await books.model.write(ReadModelWrite([.init("\(raw: statement)")]))
        let error = await #expect(throws: StoreError.self) {
            try await projector.readSide.deadLetters(of: "balances")
        }
        #expect(error?.code == .corrupt)
        await books.model.close()
    }
}
