import Sillok
import SillokHistory
import SillokProjections
import SillokTesting
import Testing

/// Names are bytes, wherever they are keys.
@Suite struct NameTests {
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    @Test("C18: keys that Unicode calls equal are two, in a batch and in documents of the past")
    func keys() async throws {
        let store = MemoryEventStore()
        let accounts = CommandHandler<BankAccount>("account", in: store)
        let outcome = try await accounts.execute([
            (Self.composed, .open(owner: "Ada")), (Self.decomposed, .open(owner: "Eve")),
            (Self.composed, .deposit(10)), (Self.decomposed, .deposit(20)),
        ])
        #expect(outcome.states.count == 2)
        #expect(outcome.states[Self.composed]?.balance == 10 && outcome.states[Self.decomposed]?.balance == 20)
        #expect(
            outcome.revisions.map { Array($0.key.utf8) } == [Self.composed, Self.decomposed].map { Array($0.utf8) })
        #expect(outcome.revisions.values == [2, 2])
        let documents = try await store.past().documents(of: Balances())
        #expect(documents.count == 2)
        #expect(documents["account-" + Self.composed] == 10 && documents["account-" + Self.decomposed] == 20)
    }

    @Test("C18: values by key are equal in any order, and a key that is removed is gone")
    func values() {
        var values: KeyedValues<Int> = [Self.composed: 1, Self.decomposed: 2, "a": 3]
        #expect(values.keys.count == 3 && values == ["a": 3, Self.decomposed: 2, Self.composed: 1])
        #expect(values != ["a": 3, Self.decomposed: 1, Self.composed: 2])
        values[Self.composed] = nil
        #expect(values[Self.composed] == nil && values[Self.decomposed] == 2 && values["a"] == 3 && values.count == 2)
        values["a"] = 4
        #expect(values.mapValues { $0 * 2 } == [Self.decomposed: 4, "a": 8])
    }

    @Test("C18: values of rows, of JSON and of states are compared by their bytes")
    func bytes() {
        let (composed, decomposed) = (Self.composed, Self.decomposed)
        #expect(Set<SQLValue>([.text(composed), .text(decomposed)]).count == 2)
        #expect(Set<JSONValue>([.string(composed), .string(decomposed)]).count == 2)
        #expect(Set<StateTree.Value>([.text(composed), .text(decomposed)]).count == 2)
        #expect(Set([ProjectionID(composed, version: 1), ProjectionID(decomposed, version: 1)]).count == 2)
        #expect(Set<SQL>(["SELECT \(composed)", "SELECT \(decomposed)"]).count == 2)
        let row = SQLRow(columns: [composed, decomposed], values: [1, 2])
        #expect(row[composed] == 1 && row[decomposed] == 2)
        let changes = StateTree(reflecting: ["name": composed]).changes(to: StateTree(reflecting: ["name": decomposed]))
        #expect(changes.count == 1)
    }

    @Test("C18: a schema keeps the fields and the types whose names Unicode calls equal")
    func schemas() throws {
        var shape = PayloadShape()
        shape.learn([Self.composed: 1, Self.decomposed: "a"])
        #expect(shape.fields.count == 2 && shape.fields[Self.composed]?.value == .integer)
        let kind = SchemaSnapshot.Kind(version: 1, fields: shape.fields)
        let snapshot = SchemaSnapshot(types: [Self.composed: kind, Self.decomposed: kind])
        let read = try SchemaSnapshot(text: snapshot.text)
        #expect(read.types.count == 2 && read.types[Self.decomposed]?.fields.count == 2)
        #expect(snapshot.changes(to: SchemaSnapshot(types: [Self.composed: kind])).map(\.verdict) == [.breaks])
    }

    @Test("C18: an effect belongs to the cause with the same bytes")
    func causes() async throws {
        let store = MemoryEventStore()
        for cause in [Self.composed, Self.decomposed] {
            _ = try await store.append(
                [EventData(type: "happened", metadata: Metadata(causationID: cause), payload: Array("{}".utf8))],
                to: "a-1")
        }
        let first = try #require(try await store.read(.all).events.first)
        #expect(try await store.causes(of: first).events == [first])
    }

    @Test("C18: a command that would now write other bytes leads to other events")
    func trials() async throws {
        let store = MemoryEventStore()
        try await CommandHandler<Guests<Composed>>("guests", in: store).recordingCommands().execute(.greet, on: "1")
        let report = try await store.past().compare(
            deciders: Guests<Composed>.self, with: Guests<Decomposed>.self, over: .category("guests"))
        #expect(report.commands?.otherEvents == 1)
    }

    @Test("C16: a name with a character of paths is written in quotes")
    func paths() {
        struct State { let sizes = ["a.b": 1, "a": 2, "a]": 3, "": 4, "\"": 5] }
        let paths = StateTree(reflecting: State()).leaves.map(\.path)
        #expect(Set(paths) == ["sizes[\"a.b\"]", "sizes[a]", "sizes[\"a]\"]", "sizes[\"\"]", "sizes[\"\\\"\"]"])
        let composed = StateTree(reflecting: [Self.composed: 1])
        let decomposed = StateTree(reflecting: [Self.decomposed: 1])
        #expect(composed.changes(to: decomposed).count == 2)
    }

    @Test("C15: a handler of a category with a dash is refused, for nothing would ever find its streams by it")
    func dashes() async throws {
        let store = MemoryEventStore()
        let accounts = CommandHandler<BankAccount>("bank-account", in: store)
        let expected = InvalidRequest(.dashInCategory("bank-account"))
        await #expect(throws: expected) { try await accounts.execute(.open(owner: "Ada"), on: "1") }
        await #expect(throws: expected) { try await accounts.execute([("1", .open(owner: "Ada"))]) }
        await #expect(throws: expected) { _ = try await accounts.state(of: "1") }
        await #expect(throws: expected) { _ = try await store.read(.category("bank-account")) }
        #expect(try await store.head() == 0)
    }

    @Test("C22: integers of 128 bits are coded with all of their digits")
    func wideIntegers() throws {
        struct Wide: Codable, Equatable {
            var high: UInt128
            var low: Int128
            var list: [UInt128]
            var none: Int128?
            var byName: [String: Int128]
        }
        let value = Wide(high: .max, low: .min, list: [0, .max, 1], none: nil, byName: ["a": -1])
        let bytes = try PlainCoding.bytes(of: value)
        #expect(String(decoding: bytes, as: UTF8.self).contains("340282366920938463463374607431768211455"))
        #expect(try PlainCoding.decode(Wide.self, from: bytes) == value)
        #expect(try PlainCoding.decode([UInt128].self, from: PlainCoding.bytes(of: [UInt128.max])) == [.max])
        #expect(try PlainCoding.decode(UInt128.self, from: PlainCoding.bytes(of: UInt128.max)) == .max)
        #expect(throws: (any Error).self) { try PlainCoding.decode(UInt128.self, from: Array("-1".utf8)) }
    }
}

/// The balance of each account.
private struct Balances: DocumentProjection {
    let name = "balances"
    let version = 1
    var source: EventQuery { .category("account") }

    func evolve(_ balance: Int?, _ event: Recorded<BankAccount.Event>) -> Int? {
        switch event.payload {
        case .opened: 0
        case .deposited(let cents): (balance ?? 0) + cents
        default: balance
        }
    }
}

private protocol Spelling: Sendable { static var text: String { get } }
private enum Composed: Spelling { static let text = "caf\u{E9}" }
private enum Decomposed: Spelling { static let text = "cafe\u{301}" }

/// Greets in one of two spellings.
private struct Guests<Way: Spelling>: Decider {
    enum Command: Codable, Sendable { case greet }
    enum Event: Codable, Sendable { case greeted(name: String) }

    enum Refusal: Error {}

    func decide(_ command: Command) -> [Event] { [.greeted(name: Way.text)] }
    func evolve(_ event: Event) {}
}
