import SillokCore
import Testing

@Suite struct WaitersTests {
    private static let events: [(stream: StreamID?, event: EventData)] = [
        ("account-1", EventData(type: "opened", tags: ["owner:ada", "bank:1"], text: "{}")),
        ("account-2", EventData(type: "opened", tags: ["owner:bob"], text: "{}")),
        ("order-1", EventData(type: "placed", text: "{}")),
        (nil, EventData(type: "noted", tags: ["bank:1"], text: "{}")),
    ]

    private static let queries: [(name: String, query: EventQuery)] = [
        ("all", .all),
        ("none", EventQuery([])),
        ("account-1", .stream("account-1")),
        ("account-3", .stream("account-3")),
        ("accounts", .category("account")),
        ("customers", .category("customer")),
        ("opened or placed", .types("opened", "placed")),
        ("closed", .types("closed")),
        ("bank 1", .tags("bank:1")),
        ("bank 2", .tags("bank:2")),
        ("ada at bank 2", .tags("owner:ada", "bank:2")),
        (
            "placed orders or bank 1",
            EventQuery([.init(category: "order", types: ["placed"]), .init(tags: ["bank:1"])])
        ),
    ]

    private func woken(by events: ArraySlice<(stream: StreamID?, event: EventData)>) -> Set<String> {
        var waiters = Waiters<String>()
        for (name, query) in Self.queries { #expect(waiters.add(name, for: query, from: 1) != nil) }
        var keys: Set<WakeUpKey> = []
        for (stream, event) in events { keys.add(event, in: stream) }
        let woken = waiters.wake(by: keys, through: 1)
        #expect(Set(woken).count == woken.count)
        #expect(waiters.count == Self.queries.count - woken.count)
        return Set(woken)
    }

    @Test("W4: an append wakes the readers that may match, and no others")
    func wakesWhatMayMatch() {
        let events = Self.events
        // The first tag of an item stands for all of its tags.
        #expect(
            woken(by: events[0...0]) == [
                "all", "account-1", "accounts", "opened or placed", "bank 1", "ada at bank 2",
                "placed orders or bank 1",
            ])
        #expect(woken(by: events[1...1]) == ["all", "accounts", "opened or placed"])
        #expect(woken(by: events[2...2]) == ["all", "opened or placed", "placed orders or bank 1"])
        #expect(woken(by: events[3...3]) == ["all", "bank 1", "placed orders or bank 1"])
        #expect(woken(by: events[...]).isDisjoint(with: ["none", "account-3", "customers", "closed", "bank 2"]))
        for (stream, event) in events {
            var keys: Set<WakeUpKey> = []
            keys.add(event, in: stream)
            for (name, query) in Self.queries
            where query.matches(stream: stream, type: event.type, tags: event.tags) {
                #expect(!query.wakeUpKeys.isDisjoint(with: keys), "\(name)")
            }
        }
    }

    @Test("W4: ten thousand readers of other streams stay asleep, and so do readers of an idle category")
    func manyIdle() {
        var waiters = Waiters<Int>()
        for number in 0..<10_000 {
            let query: EventQuery = number == 0 ? .category("idle") : .stream(StreamID("idle-\(number)"))
            #expect(waiters.add(number, for: query, from: 1) == UInt64(number + 1))
        }
        for number in 1...20_000 {
            var keys: Set<WakeUpKey> = []
            keys.add(EventData(type: "t", text: "{}"), in: StreamID("busy-\(number)"))
            #expect(waiters.wake(by: keys, through: Position(UInt64(number))).isEmpty)
        }
        var keys: Set<WakeUpKey> = []
        keys.add(EventData(type: "t", text: "{}"), in: "idle-77")
        #expect(Set(waiters.wake(by: keys, through: 20_001)) == [0, 77])
        #expect(waiters.count == 9_998)
    }

    @Test("W4: a reader that comes after the event does not wait for it")
    func comesLater() {
        var waiters = Waiters<String>()
        // What was appended before the first keys were noted may be anything.
        _ = waiters.wakeAll(through: 4)
        #expect(waiters.add("before", for: .stream("other-1"), from: 4) == nil)
        #expect(waiters.wake(by: [.all, .stream("a-1"), .category("a"), .type("t")], through: 5).isEmpty)
        for query in [EventQuery.all, .stream("a-1"), .category("a"), .types("t")] {
            #expect(waiters.add("late", for: query, from: 5) == nil)
            #expect(waiters.add("later", for: query, from: 6) != nil)
        }
        #expect(waiters.add("none", for: EventQuery([]), from: 1) != nil)
    }

    @Test func `a reader that has seen an event is not woken by it, and one that was removed is not woken`() {
        var waiters = Waiters<String>()
        _ = waiters.add("ahead", for: .stream("a-1"), from: 3)
        let number = waiters.add("gone", for: .stream("a-1"), from: 1)
        #expect(number.flatMap { waiters.remove($0) } == "gone")
        #expect(number.flatMap { waiters.remove($0) } == nil)
        #expect(waiters.wake(by: [.all, .stream("a-1")], through: 2).isEmpty)
        #expect(waiters.wake(by: [.all, .stream("a-1")], through: 3) == ["ahead"])
        #expect(waiters.isEmpty)
    }

    @Test func `a log that goes back wakes all, and what it had is forgotten`() {
        var waiters = Waiters<String>()
        _ = waiters.wake(by: [.all, .stream("a-1")], through: 9)
        _ = waiters.add("first", for: .stream("b-1"), from: 10)
        #expect(waiters.reset(at: 5) == ["first"])
        #expect(waiters.add("again", for: .stream("a-1"), from: 6) != nil)
        #expect(waiters.add("behind", for: .stream("a-1"), from: 5) == nil)
    }
}
