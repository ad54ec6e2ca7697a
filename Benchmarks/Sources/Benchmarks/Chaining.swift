import Sillok
import SillokChain
import SillokSQLite

/// What the hash chain costs: the same appends with it and without, in turns; and how fast it is verified.
func chaining(_ plan: Plan) async throws {
    var table = Table("append", "events/s with the chain", "without", "takes", "CPU µs/event with the chain", "without")
    for (writers, batch) in [(1, 1), (64, 1), (1, 100), (64, 100)] {
        let rounds = try await withAndWithout(plan, writers: writers, batch: batch)
        table.row(
            "\(batch) event\(batch == 1 ? "" : "s"), \(writers) writer\(writers == 1 ? "" : "s")",
            short(rounds.rate("with")), short(rounds.rate("without")),
            ratio(rounds.slowdown("with", against: "without")), short(rounds.cpu("with")), short(rounds.cpu("without")))
    }
    table.print()
    let store = try plan.store("chain")
    defer { plan.remove("chain") }
    try await store.fill(to: plan.events / 5, Workload.Names())
    let verified = try await measure {
        _ = try await store.verifyChain()
        return plan.events / 5
    }
    await store.close()
    print("The chain of \(short(Double(plan.events / 5))) events is verified at \(short(verified.rate)) events/s.\n")
}

private func withAndWithout(_ plan: Plan, writers: Int, batch: Int) async throws -> Rounds {
    let with = try SQLiteEventStore(path: plan.fresh("chain-with"), keepsChain: true)
    let without = try SQLiteEventStore(path: plan.fresh("chain-without"), keepsChain: false)
    defer {
        plan.remove("chain-with")
        plan.remove("chain-without")
    }
    let rounds = try await Rounds(
        plan.rounds * 2,
        [
            ("with", { try await append(to: with, writers: writers, batch: batch, seconds: plan.seconds) }),
            ("without", { try await append(to: without, writers: writers, batch: batch, seconds: plan.seconds) }),
        ])
    await with.close()
    await without.close()
    return rounds
}
