import Sillok
import SillokPostgres
@_spi(Benchmarks) import SillokSQLite

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// a: conditions over two frequent tags that never meet, in loops with deadlines. Also with the budget switched off: then
/// the goals must be missed, or the case shows nothing.
func expensiveConditions(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    let path = plan.fresh("halves")
    let filled = try SQLiteEventStore(path: path)
    try await filled.fillHalves(to: plan.events)
    await filled.close()
    let dear = EventQuery(Array(repeating: EventQuery.Item(tags: [Halves.a, Halves.b]), count: 100))
    let cheap = EventQuery(Array(repeating: EventQuery.Item(tags: ["half:none"]), count: 100))
    let store = try SQLiteEventStore(path: path, mode: .existing)
    let control = try await attacked(store, by: cheap, plan)
    let others = try await attacked(store, by: dear, plan)
    await store.close()
    let letter = "a"
    verdicts.add(
        letter, "conditions on two frequent tags that never meet", "others' append p99", seconds: others.p99,
        control: control.p99, atMost: 3)
    verdicts.add(
        letter, "the same", "others' appends/s", short(others.rate), short(control.rate),
        ratio: others.rate / control.rate, goal: "≥ 0.7×", isMet: others.rate >= 0.7 * control.rate)
    let unbounded = try SQLiteEventStore.withoutBudgets(path: path)
    let open = try await attacked(unbounded, by: dear, plan)
    await unbounded.close()
    plan.remove("halves")
    let isCaught = open.p99 > 3 * control.p99 || open.rate < 0.7 * control.rate
    verdicts.add(
        letter, "without a budget", "others' appends/s", short(open.rate), short(control.rate),
        ratio: open.rate / control.rate, goal: "must miss a goal above", isMet: isCaught)
}

/// Others' appends while 32 loops append under a condition, give up after 50 ms, and wait 10 ms.
private func attacked(_ store: SQLiteEventStore, by query: EventQuery, _ plan: Plan) async throws -> Others {
    let attack = Task {
        await withTaskGroup(of: Void.self) { group in
            for loop in 0..<32 {
                group.addTask {
                    while !Task.isCancelled {
                        await abandon(after: .milliseconds(50)) {
                            try await store.append(
                                [Workload.event(0)], to: StreamID("attacker-\(loop)"),
                                if: .unchanged(query, since: .start))
                        }
                        try? await Task.sleep(for: .milliseconds(10))
                    }
                }
            }
        }
    }
    var others = Others()
    // Until the loops run: what came before would be measured without them.
    try await Task.sleep(for: .milliseconds(300))
    try await others.run(on: store, for: plan.isQuick ? 2 : 10)
    attack.cancel()
    await attack.value
    return others
}

/// Events of which each has one of two tags, and none has both.
enum Halves {
    static let a: EventTag = "half:a"
    static let b: EventTag = "half:b"
}

extension SQLiteEventStore {
    fileprivate func fillHalves(to count: Int) async throws {
        for start in stride(from: 0, to: count, by: 1000) {
            try await append(
                (start..<start + 1000).map { Workload.event($0, tags: [$0 % 2 == 0 ? Halves.a : Halves.b]) },
                to: Workload.stream(start / 1000))
        }
    }
}

/// h: a rare tag together with a frequent one, in both written orders, on both storages.
func writtenOrder(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    let sqlite = try plan.store("order")
    try await writtenOrder(on: sqlite, "SQLite", plan, &verdicts)
    await sqlite.close()
    plan.remove("order")
    guard let connection = plan.postgres else { return verdicts.skip("h", "SILLOK_POSTGRES names no server") }
    let postgres = try await PostgresEventStore(connection, schema: "hostile_order")
    try await writtenOrder(on: postgres, "PostgreSQL", plan, &verdicts)
    await postgres.close()
}

private func writtenOrder(
    on store: some EventStore, _ name: String, _ plan: Plan, _ verdicts: inout Verdicts
) async throws {
    let (rare, common, nowhere): (EventTag, EventTag, EventTag) = ("kind:rare", "kind:common", "kind:nowhere")
    var number = Int(try await store.head().value)
    while number < plan.events {
        let events = (number..<number + 1000).map { number in
            Workload.event(number, tags: number % 10_000 == 0 ? [common, rare] : [common])
        }
        try await store.append(events, to: Workload.stream(number / 1000))
        number += 1000
    }
    for (other, label) in [(rare, "a rare and a frequent tag"), (nowhere, "a frequent tag and one that no event has")] {
        var times: [[Double]] = [[], []]
        for round in 0..<(plan.isQuick ? 20 : 100) {
            for (side, tags) in [[other, common], [common, other]].enumerated() {
                let query = EventQuery([EventQuery.Item(tags: tags)])
                let start = secondsNow()
                do {
                    try await store.append(
                        [Workload.event(round)], to: "order-new", if: .unchanged(query, since: .start))
                } catch {
                    guard case .conflict = error else { throw error }
                }
                times[side].append(secondsNow() - start)
            }
        }
        verdicts.add(
            "h", "\(label), the frequent one first, \(name)", "append p50", seconds: times[1].median,
            control: times[0].median, atMost: 1.5)
    }
}

/// i: a large group of conditional appends on PostgreSQL.
func largeGroup(_ plan: Plan, _ verdicts: inout Verdicts) async throws {
    guard let connection = plan.postgres else { return verdicts.skip("i", "SILLOK_POSTGRES names no server") }
    let store = try await PostgresEventStore(connection, schema: "hostile_group")
    let count = plan.isQuick ? 1000 : 4000
    var times: [[Double]] = [[], []]
    for round in 0..<3 {
        for side in 0...1 {
            let start = secondsNow()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask {
                        let tag = EventTag("one", "\(round)-\(side)-\(number)")
                        let condition = AppendCondition.unchanged(EventQuery([.init(tags: [tag])]), since: .start)
                        try await store.append(
                            [Workload.event(number, tags: [tag])], if: side == 0 ? .always : condition)
                    }
                }
                try await group.waitForAll()
            }
            times[side].append(secondsNow() - start)
        }
    }
    await store.close()
    let extra = times[1].median - times[0].median
    verdicts.add(
        "i", "\(count) conditional appends at once, PostgreSQL", "all of them, ms", short(times[1].median * 1e3),
        short(times[0].median * 1e3), ratio: times[1].median / times[0].median,
        goal: "≤ 100 ms more", isMet: extra <= 0.1)
}
