import Foundation
import Sillok
import SillokSQLite

/// How long it takes from an append's call to a subscriber's hands, a hundred appends a second.
func following(_ plan: Plan) async throws {
    let store = try plan.store("follow")
    let count = plan.isQuick ? 200 : 800
    let seen = Task {
        var times: [Double] = []
        for try await batch in store.subscribe() {
            let now = secondsNow()
            times += batch.events.map { _ in now }
            if times.count >= count { break }
        }
        return times
    }
    var called: [Double] = []
    var answered: [Double] = []
    for number in 0..<count {
        try await Task.sleep(for: .milliseconds(10))
        called.append(secondsNow())
        try await store.append([Workload.event(number)], to: Workload.stream(number % 10))
        answered.append(secondsNow())
    }
    let delivered = try await seen.value
    await store.close()
    plan.remove("follow")
    var table = Table("from the call of append to", "p50 ms", "p99 ms")
    for (label, ends) in [("its answer", answered), ("the subscriber", delivered)] {
        let taken = zip(called, ends).map { ($1 - $0) * 1e3 }
        table.row(label, short(taken.quantile(0.5)), short(taken.quantile(0.99)))
    }
    table.print()
}
