import Sillok
import SillokTesting
import Testing

@testable import SillokReadSide

@Suite struct ObjectiveTests {
    private let minute = Objective.lag(p99: .seconds(5), over: .seconds(60))

    @Test func `the budget of a window is what may go wrong in it`() {
        let clock = SettableClock()
        let alarms = Lock<[Alarm]>([])
        let monitor = ObjectiveMonitor([minute], clock: clock.wallClock) { alarm in
            alarms.withLock { $0.append(alarm) }
        }
        func look(_ lag: Duration) {
            monitor.record(.lag(projection: "balances", events: 1, time: lag))
            clock.move(byMicroseconds: 100_000)
        }
        for _ in 0..<500 { look(.seconds(1)) }
        #expect(monitor.statuses().first?.budgetLeft == 1)
        for _ in 0..<3 { look(.seconds(5)) }
        // 3 of 503 are bad, where 5.03 may be.
        #expect(abs((monitor.statuses().first?.budgetLeft ?? 0) - (1 - 3.0 / 5.03)) < 1e-9)
        #expect(monitor.statuses().first?.isMet == true)
        #expect(alarms.withLock { $0.map(\.kind) } == [.burning(minute)])
        for _ in 0..<3 { look(.seconds(9)) }
        #expect(monitor.statuses().first?.isMet == false)
        #expect(alarms.withLock { $0.map(\.kind) } == [.burning(minute), .broken(minute)])
        for _ in 0..<700 { look(.seconds(1)) }
        #expect(monitor.statuses().first?.budgetLeft == 1)
        #expect(alarms.withLock { $0.filter { !$0.isRaised }.count } == 2)
    }

    @Test func `the window counts what a list of all measurements counts`() {
        let seed = Environment.seed
        print("objective window: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var window = ObjectiveWindow(minute)
        var list: [(bucket: Int64, isGood: Bool)] = []
        var time: Int64 = 1_700_000_000_000_000
        for _ in 0..<5000 {
            time += .random(
                in: -50_000...(Int.random(in: 0..<100, using: &random) == 0 ? 20_000_000 : 300_000), using: &random)
            let isGood = Int.random(in: 0..<10, using: &random) > 0
            let bucket = max(time / 1_000_000, list.last?.bucket ?? 0)
            list.append((bucket, isGood))
            window.record(good: isGood ? 1 : 0, bad: isGood ? 0 : 1, at: time)
            let status = window.status("a", "", at: time)
            let kept = list.filter { $0.bucket > bucket - 60 }
            #expect(status.good == kept.filter(\.isGood).count && status.bad == kept.filter { !$0.isGood }.count)
        }
    }

    @Test func `dead letters count when they come, not while they are there`() {
        let clock = SettableClock()
        let alarms = Lock<[Alarm]>([])
        let objective = Objective.deadLetters(atMost: 2, over: .seconds(60))
        let monitor = ObjectiveMonitor([objective], clock: clock.wallClock) { alarm in
            alarms.withLock { $0.append(alarm) }
        }
        for count in [7, 7, 8, 9] { monitor.record(.deadLetters(projection: "balances", count: count)) }
        #expect(monitor.statuses().first?.isMet == true)
        monitor.record(.deadLetters(projection: "balances", count: 10))
        #expect(monitor.statuses().first?.isMet == false)
        clock.move(byMicroseconds: 61_000_000)
        monitor.record(.deadLetters(projection: "balances", count: 10))
        #expect(monitor.statuses().first?.isMet == true)
        #expect(alarms.withLock { $0.last?.isRaised } == false)
    }

    @Test func `a projection that stops is an alarm until it runs again`() {
        let alarms = Lock<[Bool]>([])
        let monitor = ObjectiveMonitor([]) { alarm in alarms.withLock { $0.append(alarm.isRaised) } }
        for reason in [nil, "disk", "disk", nil, nil] {
            monitor.record(.failure(projection: "balances", reason))
        }
        #expect(alarms.withLock { $0 } == [true, false])
    }

    @Test func `a refusal is no error of the store`() async throws {
        let measured = Lock<[StoreMeasurement]>([])
        let store = MeasuredEventStore(MemoryEventStore()) { measurement in
            measured.withLock { $0.append(measurement) }
        }
        let event = EventData(type: "noted", payload: [123, 125])
        try await store.append([event], to: "a-1")
        await #expect(throws: AppendError.self) {
            try await store.append(
                [EventData(type: "noted", payload: [123, 125])], to: "a-1", if: .revision(5, of: "a-1"))
        }
        _ = try await store.read(.all)
        let monitor = ObjectiveMonitor([.appendErrors(atMost: 0.001, over: .seconds(60))]) { _ in }
        for measurement in measured.withLock({ $0 }) { monitor.record(measurement) }
        #expect(monitor.statuses().map(\.good) == [2] && monitor.statuses().map(\.bad) == [0])
        monitor.record(.append(events: 1, time: .zero, error: .failed(StoreError(.full, "no space is left."))))
        #expect(monitor.statuses().map(\.bad) == [1])
    }
}
