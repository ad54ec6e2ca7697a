import Sillok
import SillokCommands
import SillokSQLite
import SillokTerminal
import Testing

@testable import SillokCLI

@Suite("State, history and difference on the command line")
struct HistoryCommandTests {
    let folder = TemporaryFolder()
    var store: String { folder("bank.sqlite") }

    private struct Account: Decider {
        enum Event: Codable, Sendable { case opened(owner: String), deposited(cents: Int) }
        enum Refusal: Error {}

        var owner = ""
        var balance = 0

        func decide(_ command: Int) throws(Refusal) -> [Event] { [.deposited(cents: command)] }

        mutating func evolve(_ event: Event) {
            switch event {
            case .opened(let owner): self.owner = owner
            case .deposited(let cents): balance += cents
            }
        }
    }

    private func prepare() async throws {
        let seconds = Lock(Int64(0))
        let clock = WallClock { Timestamp(microsecondsSince1970: seconds.withLock { $0 } * 1_000_000) }
        let store = try SQLiteEventStore(path: store, clock: clock)
        let events = [
            ("opened", #"{"owner":"Ada"}"#), ("deposited", #"{"cents":5}"#), ("deposited", #"{"cents":20}"#),
        ]
        for (number, (type, payload)) in events.enumerated() {
            seconds.withLock { $0 = Int64(number) + 1 }
            try await store.append([EventData(type: EventType(type), text: payload)], to: "account-1")
        }
        await store.close()
    }

    @Test("without the application's code: what the events last said, then and now")
    func generic() async throws {
        try await prepare()
        let now = await sillok("state", store, "account-1")
        #expect(now.status == 0)
        #expect(now.output == "opened           1\nopened.owner     Ada\ndeposited        2\ndeposited.cents  20\n")
        #expect(now.errors.contains("revision 3, position 3"))
        let then = await sillok("state", store, "account-1", "--at", "r2", "--json")
        #expect(
            then.output
                == #"{"stream":"account-1","revision":2,"position":2,"time":"1970-01-01T00:00:02.000000Z","state":"#
                + #"{"opened":1,"opened.owner":"Ada","deposited":1,"deposited.cents":5}}"# + "\n")
        let told = "opened           1\nopened.owner     Ada\ndeposited        1\ndeposited.cents  5\n"
        #expect(await sillok("state", store, "account-1", "--at", "1970-01-01T00:00:02Z").output == told)
        #expect(await sillok("state", store, "account-1", "--at", "1970-01-01").status == 66)
        #expect(await sillok("state", store, "account-9").status == 66)
        #expect(await sillok("state", store, "account-1", "--at", "soon").status == 64)
    }

    @Test("history shows each change, diff what lies between two moments")
    func changes() async throws {
        try await prepare()
        let history = await sillok("history", store, "account-1").output.split(separator: "\n").map(String.init)
        #expect(history.first == "1  1970-01-01T00:00:01.000000Z  opened")
        #expect(
            history.suffix(3) == [
                "3  1970-01-01T00:00:03.000000Z  deposited", "    deposited: 1 → 2", "    deposited.cents: 5 → 20",
            ])
        let only = await sillok("history", store, "account-1", "--path", "owner", "--json").output
        #expect(only.contains(#""type":"opened","changes":[{"path":"opened.owner","after":"Ada"}]}"#))
        #expect(only.split(separator: "\n").count == 1)
        #expect(
            await sillok("diff", store, "account-1", "--from", "2").output
                == "deposited: 1 → 2\ndeposited.cents: 5 → 20\n")
        #expect(await sillok("diff", store, "account-1", "--from", "2", "--to", "2").errors.contains("nothing differs"))
        #expect(await sillok("diff", store, "account-1", "--to", "r1").output == "+ opened: 1\n+ opened.owner: Ada\n")
    }

    @Test("a tool of an application shows the states of its deciders")
    func tool() async throws {
        try await prepare()
        let tool = StoreTool("bank", .decider(Account.self, of: "account")) { path in
            try SQLiteEventStore(path: path, mode: .readOnly)
        }
        let output = Output()
        let status = await Console.$current.withValue(Console(output: output, errors: Output())) {
            await tool.run(["history", store, "account-1"])
        }
        #expect(status == 0)
        #expect(output.text.contains("    balance: 5 → 25"))
        #expect(await tool.run(["state", store, "account-7"]) == 66)
        #expect(await tool.run(["state"]) == 64)
    }
}
