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
