import Sillok
import SillokHistory
import SillokSnapshots
import SillokSQLite

/// Snapshots, the cache of hot aggregates, and what-if, each beside what it is measured by.
func lookingBack(_ plan: Plan) async throws {
    try await loading(plan)
    try await deciding(hot: plan)
    try await asking(plan)
}

/// An account as the bank's decider has it.
private struct Account: SnapshottedDecider {
    enum Command: Sendable { case deposit(Int) }
    enum Refusal: Error { case notAnAmount }

    static let foldVersion = 1
    private(set) var isOpen = false
    private(set) var balance = 0

    func decide(_ command: Command) throws(Refusal) -> [Bank.Event] {
        guard case .deposit(let cents) = command, cents > 0 else { throw .notAnAmount }
        return [.deposited(cents: cents)]
    }

    mutating func evolve(_ event: Bank.Event) {
        switch event {
        case .opened: isOpen = true
        case .deposited(let cents): balance += cents
        case .withdrawn(let cents): balance -= cents
        case .closed: isOpen = false
        }
    }
}

extension SQLiteEventStore {
    /// Appends deposits to one stream.
    fileprivate func deposit(_ count: Int, to stream: StreamID) async throws {
        let payload = Array(#"{"cents":5}"#.utf8)
        for start in stride(from: 0, to: count, by: 1000) {
            let events = (start..<min(start + 1000, count)).map { _ in EventData(type: "deposited", payload: payload) }
            try await append(events, to: stream)
        }
    }
}

/// Loading an aggregate of 100,000 events with a snapshot against one of 100 without.
private func loading(_ plan: Plan) async throws {
    let store = try plan.store("aggregates")
    let model = try SQLiteReadModel(path: plan.fresh("snapshots"))
    let long = plan.isQuick ? 10_000 : 100_000
    try await store.deposit(long, to: "account-long")
    try await store.deposit(100, to: "account-short")
    let snapshots = Snapshots(in: model, .every(100))
    let kept = CommandHandler<Account>("account", in: store, options: .init(snapshots: snapshots))
    let plain = CommandHandler<Account>("account", in: store)
    _ = try await kept.state(of: "long")
    await snapshots.flush()
    // As far behind its events as a snapshot of this policy can be.
    try await store.deposit(99, to: "account-long")
    func load(_ handler: CommandHandler<Account>, _ key: String, _ balance: Int) async throws -> Sample {
        try await measure {
            for _ in 0..<200 {
                let state = try await handler.state(of: key).state
                precondition(state.balance == balance, "the state is not that of the log")
            }
            return 200
        }
    }
    let rounds = try await Rounds(
        plan.rounds,
        [
            ("short", { try await load(plain, "short", 500) }),
            ("long", { try await load(kept, "long", (long + 99) * 5) }),
            (
                "replay",
                {
                    try await measure {
                        _ = try await plain.state(of: "long")
                        return 1
                    }
                }
            ),
        ])
    var table = Table("loading an aggregate", "loads/s", "ms", "takes")
    for (label, side) in [
        ("of 100 events, replayed", "short"), ("of \(short(Double(long))) events, snapshot and 99 events", "long"),
        ("of \(short(Double(long))) events, replayed", "replay"),
    ] {
        table.row(
            label, short(rounds.rate(side)), short(1e3 / rounds.rate(side)),
            ratio(rounds.slowdown(side, against: "short")))
    }
    table.print()
    await model.close()
    await store.close()
    for name in ["aggregates", "snapshots"] { plan.remove(name) }
}

/// Commands on one hot aggregate, against appends without a load.
private func deciding(hot plan: Plan) async throws {
    let store = try plan.store("hot")
    try await store.deposit(1000, to: "account-hot")
    let cached = CommandHandler<Account>("account", in: store, options: .init(cache: AggregateCache()))
    let plain = CommandHandler<Account>("account", in: store)
    func execute(_ handler: CommandHandler<Account>) async throws -> Sample {
        try await measure {
            let end = secondsNow() + plan.seconds
            var count = 0
            while secondsNow() < end {
                try await handler.execute(.deposit(5), on: "hot")
                count += 1
            }
            return count
        }
    }
    let rounds = try await Rounds(
        plan.rounds,
        [
            ("cached", { try await execute(cached) }),
            ("plain", { try await execute(plain) }),
            ("append", { try await appendHot(store, plan) { Metadata() } }),
            (
                "append as a command",
                {
                    try await appendHot(store, plan) {
                        let id = CommandID()
                        return Metadata(
                            correlationID: id.description, causationID: id.description, commandID: id)
                    }
                }
            ),
        ])
    var table = Table("one hot aggregate, 1 writer", "a second", "CPU µs", "of appends")
    for (label, side) in [
        ("appends under a revision, nothing loaded", "append"),
        ("the same with the metadata of a command", "append as a command"), ("commands, cached", "cached"),
        ("commands, each replaying 1,000 events and more", "plain"),
    ] {
        table.row(
            label, short(rounds.rate(side)), short(rounds.cpu(side)),
            ratio(1 / rounds.slowdown(side, against: "append")))
    }
    table.print()
    await store.close()
    plan.remove("hot")
}

/// Appends to one stream under its revision, which is known.
private func appendHot(
    _ store: SQLiteEventStore, _ plan: Plan, _ metadata: () -> Metadata
) async throws -> Sample {
    let payload = Array(#"{"cents":5}"#.utf8)
    var revision = try await store.stream("account-append")?.revision ?? .none
    return try await measure {
        let end = secondsNow() + plan.seconds
        var count = 0
        while secondsNow() < end {
            try await store.append(
                [EventData(type: "deposited", metadata: metadata(), payload: payload)], to: "account-append",
                if: .revision(revision, of: "account-append"))
            revision = revision.next
            count += 1
        }
        return count
    }
}

/// A balance less a part of each deposit.
private struct Charged: Fold {
    struct State: Sendable { var balance = 0, charged = 0 }

    let permille: Timeline<Int>
    let initial = State()

    func evolve(_ state: inout State, _ event: Recorded<Bank.Event>) {
        switch event.payload {
        case .deposited(let cents):
            let charge = cents * permille.rule(for: event) / 1000
            state.balance += cents - charge
            state.charged += charge
        case .withdrawn(let cents): state.balance -= cents
        case .opened, .closed: break
        }
    }
}

/// What-if over the whole log against a plain replay of it.
private func asking(_ plan: Plan) async throws {
    let store = try plan.store("asked")
    try await store.fillBank(to: plan.events)
    let past = try await store.past()
    let (none, some) = (Charged(permille: Timeline(0)), Charged(permille: Timeline(20)))
    let rounds = try await Rounds(
        min(plan.rounds, 5),
        [
            ("replay", { try await measure { try await replay(store) } }),
            (
                "what-if",
                {
                    try await measure {
                        let report = try await past.compare(
                            none, with: some, over: .category("account"), progress: { _, _ in })
                        precondition(report.differing == Bank.accounts, "every account differs")
                        return Int(report.events)
                    }
                }
            ),
        ])
    var table = Table("\(short(Double(plan.events))) events", "events/s", "CPU µs/event", "of the replay")
    for (label, side) in [
        ("plain replay into \(Bank.accounts) states", "replay"), ("what-if: two folds, compared", "what-if"),
    ] {
        table.row(
            label, short(rounds.rate(side)), short(rounds.cpu(side)),
            ratio(1 / rounds.slowdown(side, against: "replay")))
    }
    table.print()
    await store.close()
    plan.remove("asked")
}

/// Reads, decodes and evolves everything, a state for each stream.
private func replay(_ store: SQLiteEventStore) async throws -> Int {
    var states: [StreamID: Account] = [:]
    let coding = EventCoding<Bank.Event>()
    var count = 0
    for try await page in store.pages(.category("account")) {
        for event in page.events {
            for decoded in try coding.decode(event) {
                states[event.stream ?? "", default: Account()].evolve(decoded)
            }
            count += 1
        }
    }
    precondition(states.count == Bank.accounts, "not all accounts were replayed")
    return count
}
