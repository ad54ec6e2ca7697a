import SillokTesting
import Testing

@testable import Sillok

@Suite("A command id")
struct CommandIDTests {
    let store = MemoryEventStore()
    var accounts: CommandHandler<BankAccount> { CommandHandler("account", in: store) }

    @Test("is the id of the first event, and the ones after it follow, over the end of the number range")
    func givesEventIDs() async throws {
        let id = CommandID(high: 1, low: .max - 1)
        try await accounts.transact(on: "42", id: id) { _ in
            [.opened(owner: "ada"), .deposited(amount: 1), .deposited(amount: 2)]
        }
        let ids = try await store.read(.all).events.map(\.id)
        #expect(ids == [EventID(high: 1, low: .max - 1), EventID(high: 1, low: .max), EventID(high: 2, low: 0)])
        #expect(CommandID(high: .max, low: .max).event(1) == EventID(high: 0, low: 0))
    }

    @Test("is refused for a command on another stream")
    func conflictsElsewhere() async throws {
        let id = CommandID()
        try await accounts.execute(.open(owner: "ada"), on: "42", id: id)
        let error = await #expect(throws: CommandIDConflict.self) {
            try await accounts.execute(.open(owner: "bob"), on: "43", id: id)
        }
        #expect(error?.event.stream == "account-42")
        #expect(error?.description.contains("belongs to event \"opened\" at position 1 of stream account-42") == true)
    }

    @Test("is refused when it is an event of another command, or its events are")
    func conflictsWithEvents() async throws {
        let first = CommandID(high: 5, low: 0)
        try await accounts.transact(on: "42", id: first) { _ in [.opened(owner: "ada"), .deposited(amount: 1)] }
        await #expect(throws: CommandIDConflict.self) {
            try await accounts.execute(.deposit(1), on: "42", id: CommandID(high: 5, low: 1))
        }
        await #expect(throws: CommandIDConflict.self) {
            try await accounts.transact(on: "42", id: CommandID(high: 4, low: .max)) { _ in
                [.deposited(amount: 1), .deposited(amount: 1)]
            }
        }
        #expect(try await store.head() == 2)
    }

    @Test("leaves nothing behind when the command changes nothing or is refused")
    func leavesNothing() async throws {
        let id = CommandID()
        await #expect(throws: BankAccount.Refusal.notOpen) { try await accounts.execute(.deposit(1), on: "42", id: id) }
        try await accounts.execute(.open(owner: "ada"), on: "42")
        let nothing = try await accounts.execute(.deposit(0), on: "42", id: id)
        #expect(nothing.events.isEmpty && nothing.receipt == nil && !nothing.isRepeat)
        #expect(nothing.position == 1 && nothing.revision == 1)
        #expect(try await accounts.execute(.deposit(3), on: "42", id: id).isRepeat == false)
    }

    @Test("comes from the handler's generator when none is given")
    func isGenerated() async throws {
        let clock = WallClock { Timestamp(microsecondsSince1970: 0) }
        let ids = IDGenerator(clock: clock, random: SeededGenerator(seed: 1))
        let again = IDGenerator(clock: clock, random: SeededGenerator(seed: 1))
        let handler = CommandHandler<BankAccount>("account", in: store, options: .init(ids: ids))
        let outcome = try await handler.execute(.open(owner: "ada"), on: "42")
        #expect(outcome.id == again.next())
        #expect(try await store.read(.all).events.map(\.metadata.commandID) == [outcome.id])
    }

    @Test("brings context into every event: from the task, or from the command itself")
    func writesMetadata() async throws {
        let id = CommandID()
        var context = Metadata(actor: "ada", correlationID: "request-1", traceparent: "00-1-2-03")
        context["tenant"] = "acme"
        try await Metadata.$current.withValue(context) {
            try await accounts.execute(.open(owner: "ada"), on: "1", id: id)
        }
        try await accounts.execute(.open(owner: "ada"), on: "2", id: CommandID(high: 0, low: 1))
        let metadata = try await store.read(.all).events.map(\.metadata)
        #expect(metadata[0].actor == "ada" && metadata[0].correlationID == "request-1")
        #expect(metadata[0].causationID == id.description && metadata[0].commandID == id)
        #expect(metadata[0].traceparent == "00-1-2-03" && metadata[0]["tenant"] == "acme")
        #expect(metadata[1].actor == nil)
        #expect(metadata[1].correlationID == "00000000-0000-0000-0000-000000000001")
    }
}

@Suite("Commands on several streams")
struct BatchTests {
    let store = TroubledStore()
    var accounts: CommandHandler<BankAccount> { CommandHandler("account", in: store) }

    @Test("are recorded together, each decided on what the ones before it led to")
    func recordsTogether() async throws {
        let outcome = try await accounts.execute([
            ("1", .open(owner: "ada")), ("2", .open(owner: "bob")), ("1", .deposit(50)), ("1", .withdraw(20)),
            ("2", .deposit(20)),
        ])
        #expect(outcome.events.map(\.key) == ["1", "2", "1", "1", "2"])
        #expect(outcome.states.mapValues(\.balance) == ["1": 30, "2": 20])
        #expect(outcome.revisions == ["1": 3, "2": 2])
        #expect(outcome.receipt?.firstPosition == 1 && outcome.position == 5)
        #expect(store.appends.count == 1)
        #expect(store.appends[0].condition.revisions == ["account-1": 0, "account-2": 0])
    }

    @Test("are recorded not at all if one is refused")
    func recordsNothing() async throws {
        await #expect(throws: BankAccount.Refusal.notOpen) {
            try await accounts.execute([("1", .open(owner: "ada")), ("2", .deposit(1))])
        }
        #expect(store.appends.isEmpty)
    }

    @Test("are decided again if one of the streams has moved")
    func retries() async throws {
        try await accounts.execute([("1", .open(owner: "ada")), ("2", .open(owner: "bob"))])
        store.add(.rival(EventData(type: "deposited", text: #"{"amount":5}"#), to: "account-2"))
        let outcome = try await accounts.execute([("1", .deposit(1)), ("2", .withdraw(0))])
        #expect(outcome.states["2"]?.balance == 5)
        #expect(outcome.revisions == ["1": 2, "2": 3])
    }

    @Test("give their first outcome when their id comes again")
    func repeats() async throws {
        let id = CommandID()
        let commands: [(String, BankAccount.Command)] = [("1", .open(owner: "a")), ("2", .open(owner: "b"))]
        let first = try await accounts.execute(commands, id: id)
        try await accounts.execute(.deposit(1), on: "1")
        let again = try await accounts.execute(commands, id: id)
        #expect(again.isRepeat && again.receipt == first.receipt)
        #expect(again.events.map(\.key) == ["1", "2"])
        #expect(again.states["1"]?.balance == 0)
    }

    @Test("on 250 streams are read with three queries and appended at once")
    func readsFewTimes() async throws {
        let outcome = try await accounts.execute((0..<250).map { ("\($0)", .open(owner: "ada")) })
        #expect(outcome.receipt?.position == 250)
        #expect(store.reads.count == 3)
        let more = try await accounts.execute((0..<250).map { ("\($0)", .deposit($0)) })
        #expect(more.states["249"]?.balance == 249)
    }

    @Test("that are none change nothing")
    func takesNone() async throws {
        let outcome = try await accounts.execute([(key: String, command: BankAccount.Command)]())
        #expect(outcome.events.isEmpty && outcome.receipt == nil)
    }
}
