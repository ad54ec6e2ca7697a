import Sillok
import SillokHistory
import Testing

@Suite struct StateTreeTests {
    private enum Stage { case open, closed(reason: String) }
    private struct Line { let quantity: Int, cents: Int }
    private struct Cart {
        var owner: String? = "Ada"
        var stage = Stage.open
        var lines: [String: Line] = ["ink": Line(quantity: 2, cents: 450)]
        var seen: Set<Int> = [2, 1]
        var sizes = [1.5]
        var stream: StreamID = "cart-1"
        var at = Timestamp(microsecondsSince1970: 0)
    }

    @Test func `a state of any type is names and values`() {
        let told = StateTree(reflecting: Cart()).leaves.map { "\($0.path) \($0.value)" }
        #expect(
            told == [
                "owner Ada", "stage open", "lines[ink].quantity 2", "lines[ink].cents 450", "seen{1} present",
                "seen{2} present", "sizes[0] 1.5", "stream cart-1", "at 1970-01-01T00:00:00.000000Z",
            ])
    }

    @Test func `a change names the place, what was and what is`() {
        var after = Cart()
        after.owner = nil
        after.stage = .closed(reason: "sold")
        after.lines["lamp"] = Line(quantity: 1, cents: 3900)
        after.lines["ink"] = Line(quantity: 3, cents: 450)
        after.seen = [2, 3]
        let changes = StateTree(reflecting: Cart()).changes(to: StateTree(reflecting: after)).map(\.description)
        #expect(
            changes == [
                "owner: Ada → nothing", "stage: open → closed", "lines[ink].quantity: 2 → 3", "- seen{1}",
                "+ stage.closed.reason: sold", "+ lines[lamp].quantity: 1", "+ lines[lamp].cents: 3900", "+ seen{3}",
            ])
        #expect(StateTree(reflecting: Cart()).changes(to: StateTree(reflecting: Cart())).isEmpty)
    }
}
