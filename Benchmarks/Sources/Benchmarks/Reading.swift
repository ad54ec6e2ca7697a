import RawLoop
import Sillok
import SillokSQLite

/// Reads of the filled store: one stream, everything, everything decoded.
func reading(_ plan: Plan) async throws {
    let store = try SQLiteEventStore(path: plan.filled, mode: .existing)
    guard let raw = raw_reader_open(plan.filled) else { return }
    let streams = (0..<(plan.isQuick ? 20 : 50)).map { "order-\($0 * 17 % Workload.streams)" }
    let one = try await Rounds(
        plan.rounds,
        [
            (
                "sillok",
                {
                    try await measure {
                        var count = 0
                        for stream in streams {
                            for try await batch in store.pages(.stream(StreamID(stream))) {
                                count += batch.events.count
                            }
                        }
                        return count
                    }
                }
            ),
            ("touch", { await measure { streams.reduce(0) { $0 + Int(raw_read_stream(raw, $1, raw_touch)) } } }),
            ("own", { await measure { streams.reduce(0) { $0 + Int(raw_read_stream(raw, $1, raw_own)) } } }),
        ])
    let all = try await Rounds(
        min(plan.rounds, 5),
        [
            ("sillok", { try await measure { try await scan(store) } }),
            ("touch", { await measure { Int(raw_scan(raw, raw_touch)) } }),
            ("own", { await measure { Int(raw_scan(raw, raw_own)) } }),
        ])
    var table = Table(
        "read", "Sillok events/s", "C, columns read in place", "takes", "C, columns copied", "takes",
        "Sillok CPU µs/event")
    for (label, rounds) in [("one stream of \(short(Double(plan.events) / 1000)) events", one), ("everything", all)] {
        table.row(
            label, short(rounds.rate("sillok")), short(rounds.rate("touch")),
            ratio(rounds.slowdown("sillok", against: "touch")), short(rounds.rate("own")),
            ratio(rounds.slowdown("sillok", against: "own")), short(rounds.cpu("sillok")))
    }
    table.print()
    let decoded = try await Rounds(min(plan.rounds, 3), [("sillok", { try await measure { try await decode(store) } })])
    print(
        """
        Everything decoded into Swift enums by the library's JSON: \(short(decoded.rate("sillok"))) events/s, \
        \(short(decoded.cpu("sillok"))) µs of processor time an event.\n
        """)
    raw_reader_close(raw)
    await store.close()
}

/// Reads everything page by page.
func scan(_ store: SQLiteEventStore) async throws -> Int {
    var count = 0
    for try await batch in store.pages(.all) { count += batch.events.count }
    return count
}

/// Reads everything and decodes every payload.
private func decode(_ store: SQLiteEventStore) async throws -> Int {
    let coding = EventCoding<Workload.Line>()
    var (count, sum) = (0, 0)
    for try await batch in store.pages(.all) {
        for event in batch.events {
            for case .lineAdded(_, _, let quantity, _, _) in try coding.decode(event) {
                sum += quantity
                count += 1
            }
        }
    }
    precondition(sum == 3 * count, "the payloads were not decoded")
    return count
}
