import RawLoop
import Sillok
import SillokSQLite

/// Fills stores in turns: batches of 1,000 over 1,000 scattered streams, two tags an event. Leaves the filled stores
/// behind, for the suites that read.
func filling(_ plan: Plan) async throws {
    let names = Workload.Names()
    let ordered = try plan.store("filled")
    let random = try plan.store("filled-random")
    let rawOrdered = RawStore(plan.fresh("filled-raw"))
    let rawRandom = RawStore(plan.fresh("filled-raw-random"), randomIDs: true)
    let plain = RawStore(plan.fresh("plain"), layout: raw_layout_plain, checkpointPages: 1000)
    let plainRare = RawStore(plan.fresh("plain-rare"), layout: raw_layout_plain, checkpointPages: 16_000)
    let sides: [(name: String, fill: (_ from: Int, _ to: Int) async throws -> Void)] = [
        ("Sillok, time-ordered ids", { try await ordered.fill(to: $1, names) }),
        ("raw loop, same tables, time-ordered ids", { rawOrdered.fill(events: $1 - $0) }),
        ("Sillok, random ids", { try await random.fill(to: $1, names, id: Workload.randomID) }),
        ("raw loop, same tables, random ids", { rawRandom.fill(events: $1 - $0) }),
        ("plain tables, checkpoint every 1,000 pages", { plain.fill(events: $1 - $0) }),
        ("plain tables, checkpoint every 16,000 pages", { plainRare.fill(events: $1 - $0) }),
    ]
    var parts: [String: [Sample]] = [:]
    let steps = 10
    for step in 0..<steps {
        let (from, to) = (plan.events / steps * step, plan.events / steps * (step + 1))
        for index in sides.indices {
            let side = sides[(index + step) % sides.count]
            // The first steps are small, to see how it begins.
            let ends = step == 0 ? [min(10_000, to), to] : [to]
            var start = from
            for end in ends where end > start {
                let sample = try await measure {
                    try await side.fill(start, end)
                    return end - start
                }
                parts[side.name, default: []].append(sample)
                start = end
            }
        }
        progress("\(to) events in each store")
    }
    for store in [ordered, random] { await store.close() }
    for raw in [rawOrdered, rawRandom, plain, plainRare] { raw.close() }
    printFilling(plan, sides.map(\.name), parts)
    for name in ["filled-random", "filled-raw-random", "plain", "plain-rare"] { plan.remove(name) }
}

private func printFilling(_ plan: Plan, _ sides: [String], _ parts: [String: [Sample]]) {
    var table = Table(
        "fill to \(short(Double(plan.events)))", "events/s, all", "first 10 k", "last 10 %", "CPU µs/event")
    var rates: [Double] = []
    for side in sides {
        let samples = parts[side] ?? []
        let all = Sample(
            events: samples.reduce(0) { $0 + $1.events }, seconds: samples.reduce(0) { $0 + $1.seconds },
            cpuSeconds: samples.reduce(0) { $0 + $1.cpuSeconds })
        rates.append(all.rate)
        table.row(
            side, short(all.rate), short(samples.first?.rate ?? 0), short(samples.last?.rate ?? 0),
            short(all.cpuMicroseconds))
    }
    table.print()
    print(
        """
        Sillok fills \(ratio(rates[0] / rates[4])) as fast as the plain tables with SQLite's own checkpoints, \
        and \(ratio(rates[0] / rates[5])) as fast as with rare ones. It takes \(ratio(rates[1] / rates[0])) the time \
        of the raw loop over the same tables (random ids: \(ratio(rates[3] / rates[2]))).\n
        """)
}
