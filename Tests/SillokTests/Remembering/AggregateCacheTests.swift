import Sillok
import SillokSnapshots
import SillokTesting
import Testing

@Suite struct AggregateCacheTests {
    private let cache = AggregateCache()
    private let store = MemoryEventStore()
    private var accounts: CommandHandler<BankAccount> {
        CommandHandler("account", in: store, options: .init(cache: cache))
    }
    private var elsewhere: CommandHandler<BankAccount> { CommandHandler("account", in: store) }

    @Test func `a command on a cached state reads nothing before it appends`() async throws {
        let store = TroubledStore()
        let accounts = CommandHandler<BankAccount>("account", in: store, options: .init(cache: cache))
        try await accounts.execute(.open(owner: "Ada"), on: "1")
        let reads = store.reads.count
        for _ in 0..<10 { try await accounts.execute(.deposit(5), on: "1") }
        #expect(store.reads.count == reads)
        #expect(try await accounts.state(of: "1").state.balance == 50)
        #expect(try await CommandHandler<BankAccount>("account", in: store).state(of: "1").state.balance == 50)
    }

    @Test func `what others append is taken in before a decision stands`() async throws {
        try await accounts.execute(.open(owner: "Ada"), on: "1")
        try await elsewhere.execute(.deposit(30), on: "1")
        // The cached balance of 0 would refuse this.
        try await accounts.execute(.withdraw(20), on: "1")
        try await elsewhere.execute(.withdraw(10), on: "1")
        // The cached balance of 10 would allow this.
        await #expect(throws: BankAccount.Refusal.insufficientFunds(balance: 0)) {
            try await accounts.execute(.withdraw(10), on: "1")
        }
        #expect(try await accounts.state(of: "1").revision == 4)
        try await elsewhere.execute(.deposit(1), on: "1")
        let outcome = try await accounts.execute(.deposit(0), on: "1")
        #expect(outcome.events.isEmpty && outcome.state.balance == 1 && outcome.position == 5)
    }

    @Test func `an expected revision is compared with that of the store`() async throws {
        try await accounts.execute(.open(owner: "Ada"), on: "1")
        try await elsewhere.execute(.deposit(30), on: "1")
        await #expect(throws: AppendConflict.self) { try await accounts.execute(.deposit(1), on: "1", expecting: 1) }
        #expect(try await accounts.execute(.deposit(1), on: "1", expecting: 2).state.balance == 31)
    }

    @Test func `a command with an id that was executed elsewhere gives its first outcome`() async throws {
        try await accounts.execute(.open(owner: "Ada"), on: "1")
        let id = CommandID()
        try await elsewhere.execute(.deposit(7), on: "1", id: id)
        try await elsewhere.execute(.deposit(1), on: "1")
        let outcome = try await accounts.execute(.deposit(7), on: "1", id: id)
        #expect(outcome.isRepeat && outcome.state.balance == 7)
        #expect(try await accounts.execute(.deposit(2), on: "1").state.balance == 10)
    }

    @Test func `a state that is ahead of a store that was restored is let go`() async throws {
        let (before, after) = (MemoryEventStore(), MemoryEventStore())
        let store = SwitchedStore(before)
        let accounts = CommandHandler<BankAccount>("account", in: store, options: .init(cache: cache))
        try await accounts.execute(.open(owner: "Ada"), on: "1")
        try await accounts.execute(.deposit(100), on: "1")
        try await CommandHandler<BankAccount>("account", in: after).execute(.open(owner: "Grace"), on: "1")
        store.current = after
        await #expect(throws: BankAccount.Refusal.insufficientFunds(balance: 0)) {
            try await accounts.execute(.withdraw(50), on: "1")
        }
        #expect(try await accounts.execute(.deposit(3), on: "1").state.balance == 3)
    }

    @Test func `a boundary that was one of several in a batch applies no event twice`() async throws {
        let store = MemoryEventStore()
        let courses = CommandHandler<Enrolment>(in: store, options: .init(cache: cache))
        try await courses.execute(.define(course: "7", seats: 4))
        try await courses.execute([.enrol(student: "Ada", course: "7"), .define(course: "8", seats: 1)])
        let elsewhere = CommandHandler<Enrolment>(in: store)
        try await elsewhere.execute(.enrol(student: "Bob", course: "7"))
        let outcome = try await courses.execute(.enrol(student: "Cy", course: "7"))
        #expect(outcome.state.students == ["Ada", "Bob", "Cy"])
    }

    @Test func `it holds no more than its states, and lets go of what was not used for longest`() async throws {
        let store = MemoryEventStore()
        let small = AggregateCache(states: 20)
        let accounts = CommandHandler<BankAccount>("account", in: store, options: .init(cache: small))
        for number in 0..<200 { try await accounts.execute(.open(owner: "Ada"), on: "\(number)") }
        let statistics = small.statistics
        #expect(statistics.entries == 20 && statistics.evictions == 180)
        try await accounts.execute(.deposit(1), on: "199")
        #expect(small.statistics.hits == 1)
        small.removeAll()
        #expect(small.statistics.entries == 0)
        #expect(try await accounts.execute(.deposit(1), on: "199").state.balance == 2)
    }

    @Test func `several keys in one batch, and writers elsewhere, come to what the log says`() async throws {
        let seed = Environment.seed
        var random = SeededGenerator(seed: seed)
        let store = MemoryEventStore()
        let handlers = [
            CommandHandler<BankAccount>("account", in: store, options: .init(cache: cache)),
            CommandHandler<BankAccount>("account", in: store, options: .init(cache: AggregateCache(states: 2))),
            CommandHandler<BankAccount>("account", in: store),
        ]
        for _ in 0..<400 {
            let keys = (0..<Int.random(in: 1...3, using: &random)).map { _ in "\(Int.random(in: 0..<5, using: &random))"
            }
            let commands = keys.map { key -> (String, BankAccount.Command) in
                let amount = Int.random(in: 0...20, using: &random)
                let all: [BankAccount.Command] = [.open(owner: "Ada"), .deposit(amount), .withdraw(amount), .close]
                return (key, all[Int.random(in: 0..<4, using: &random)])
            }
            let handler = handlers[Int.random(in: 0..<3, using: &random)]
            do {
                if commands.count == 1 {
                    try await handler.execute(commands[0].1, on: commands[0].0)
                } else {
                    try await handler.execute(commands)
                }
            } catch is BankAccount.Refusal {}
            for handler in handlers {
                let (state, revision) = try await handler.state(of: keys[0])
                let plain = try await handlers[2].state(of: keys[0])
                #expect(
                    state.balance == plain.state.balance && state.isOpen == plain.state.isOpen
                        && revision == plain.revision, "SILLOK_SEED=\(seed)")
            }
        }
    }

    @Test func `boundaries, alone and in batches, and writers elsewhere come to what the log says`() async throws {
        let seed = Environment.seed
        var random = SeededGenerator(seed: seed)
        let store = MemoryEventStore()
        let cached = CommandHandler<Enrolment>(in: store, options: .init(cache: cache))
        let plain = CommandHandler<Enrolment>(in: store)
        for _ in 0..<400 {
            let courses = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                "\(Int.random(in: 0..<40, using: &random))"
            }
            let student = "\(Int.random(in: 0..<6, using: &random))"
            let commands = courses.map { course -> Enrolment.Command in
                Bool.random(using: &random)
                    ? .define(course: course, seats: 3) : .enrol(student: student, course: course)
            }
            let handler = Bool.random(using: &random) ? cached : plain
            do {
                if commands.count == 1 {
                    try await handler.execute(commands[0])
                } else {
                    try await handler.execute(commands)
                }
            } catch is Enrolment.Refusal {}
            let now = try await cached.state(for: commands[0])
            #expect(try await now.students == plain.state(for: commands[0]).students, "SILLOK_SEED=\(seed)")
        }
    }
}

/// A store that can be exchanged, as by restoring a backup.
private final class SwitchedStore: ForwardingEventStore {
    private let store: Lock<MemoryEventStore>
    init(_ store: MemoryEventStore) { self.store = Lock(store) }

    var current: MemoryEventStore {
        get { store.withLock { $0 } }
        set { store.withLock { $0 = newValue } }
    }
    var base: any EventStore { current }
}
