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

    @Test("N10: windows that were kept are continued by the next process, each once")
    func restart() throws {
        let clock = SettableClock()
        let objectives: [Objective] = [minute, .deadLetters(atMost: 2, over: .seconds(60))]
        func monitor() -> ObjectiveMonitor { ObjectiveMonitor(objectives, clock: clock.wallClock) { _ in } }
        let before = monitor()
        for (lag, letters) in [(1, 5), (9, 6), (2, 8)] {
            before.record(.lag(projection: "balances", events: 1, time: .seconds(lag)))
            before.record(.deadLetters(projection: "balances", count: letters))
            clock.move(byMicroseconds: 7_000_000)
        }
        let kept = before.keptWindows().values.flatMap(\.values)
        #expect(kept.count == 2)
        let after = monitor()
        // Measured before what was kept is read, and one more event was parked meanwhile.
        after.record(.lag(projection: "balances", events: 1, time: .seconds(3)))
        after.resume(Array(kept))
        after.resume(Array(kept))
        after.record(.deadLetters(projection: "balances", count: 9))
        func counts(_ monitor: ObjectiveMonitor) -> [[Int]] { monitor.statuses().map { [$0.good, $0.bad] } }
        #expect(counts(before) == [[3, 3], [2, 1]])
        #expect(counts(after) == [[4, 4], [3, 1]])
        clock.move(byMicroseconds: 61_000_000)
        #expect(counts(after) == [[0, 0], [0, 0]])
    }

    @Test("N10: what was kept is read exactly, and damaged text is refused")
    func keptText() throws {
        var window = ObjectiveWindow(minute)
        for second in [3, 4, 4, 61, 70] as [Int64] {
            window.record(good: 2, bad: 1, at: 1_700_000_000_000_000 + second * 1_000_000)
        }
        let again = try #require(ObjectiveWindow(minute, window.text))
        #expect(again.text == window.text)
        #expect(ObjectiveWindow(minute).text.isEmpty)
        for text in [
            "", "x", "-1", "1 2:3", "1 0:0:-1", "1 2:0:1", "99 60:1:1", "1 0:99999999999999999999:0", "1 0:1:1:1",
        ] {
            #expect(ObjectiveWindow(minute, text)?.text == nil, "\(text)")
        }
    }

    @Test("N10: events that were parked within the window count when no process has counted before")
    func parked() {
        let clock = SettableClock()
        let monitor = ObjectiveMonitor([.deadLetters(atMost: 0, over: .seconds(60))], clock: clock.wallClock) { _ in }
        let (long, short) = (
            clock.now.advanced(byMicroseconds: -61_000_000), clock.now.advanced(byMicroseconds: -8_000_000)
        )
        monitor.begin("old", deadLetters: [long])
        monitor.begin("new", deadLetters: [short, long])
        for name in ["old", "new"] { monitor.record(.deadLetters(projection: name, count: name == "old" ? 1 : 2)) }
        #expect(monitor.statuses().map { [$0.subject, "\($0.isMet)"] } == [["new", "false"], ["old", "true"]])
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
        let full = AppendError.failed(StoreError(.full, "no space is left."))
        monitor.record(.append(AppendMeasurement(events: 1, time: .zero, error: full)))
        #expect(monitor.statuses().map(\.bad) == [1])
        #expect(monitor.statuses().map(\.measured) == ["1 of 3 appends failed: no space is left."])
        let one = AppendMeasurement(events: 1, time: .seconds(9), error: nil)
        monitor.record(.append(one))
        #expect(monitor.statuses().map(\.measured) == ["1 of 4 appends failed"])
    }

    @Test("an alarm about append errors says how many failed, also if it is raised while an append succeeds")
    func alarmOfErrors() {
        let clock = SettableClock()
        let alarms = Lock<[Alarm]>([])
        let objective = Objective.appendErrors(atMost: 0.1, over: .seconds(60))
        let monitor = ObjectiveMonitor([objective], clock: clock.wallClock) { alarm in
            alarms.withLock { $0.append(alarm) }
        }
        func append(_ error: AppendError?) {
            monitor.record(.append(AppendMeasurement(events: 1, time: .milliseconds(3), error: error)))
        }
        for _ in 0..<40 { append(nil) }
        clock.move(byMicroseconds: 50_000_000)
        for _ in 0..<4 { append(.failed(StoreError(.full, "no space is left."))) }
        #expect(alarms.withLock { $0.filter { $0.kind == .broken(objective) } }.isEmpty)
        // The forty good ones leave the window.
        clock.move(byMicroseconds: 11_000_000)
        append(nil)
        let raised = alarms.withLock { $0.first { $0.kind == .broken(objective) } }
        #expect(raised?.detail == "4 of 5 appends failed")
    }

    @Test("an objective that allows nothing has all of its budget left, or none")
    func withoutBudget() {
        for objective in [
            Objective.appendErrors(atMost: 0, over: .seconds(60)), .deadLetters(atMost: 0, over: .seconds(60)),
        ] {
            let monitor = ObjectiveMonitor([objective]) { _ in }
            let full = AppendError.failed(StoreError(.full, "no space is left."))
            for error in [nil, full] {
                monitor.record(.append(AppendMeasurement(events: 1, time: .zero, error: error)))
                monitor.record(.deadLetters(projection: "balances", count: error == nil ? 0 : 1))
                #expect(monitor.statuses().map(\.budgetLeft) == [error == nil ? 1 : -1], "\(objective)")
                #expect(monitor.statuses().map(\.isMet) == [error == nil])
            }
        }
    }

    @Test("what an objective promises is read from its text, for programs that show it in other words")
    func promises() {
        let objectives: [(Objective, ObjectivePromise.Kind, Double)] = [
            (.lag(p99: .seconds(5), over: .seconds(60)), .lag, 5),
            (.lag(p99Events: 1000, over: .seconds(60)), .lagEvents, 1000),
            (.appends(p99: .milliseconds(20), over: .seconds(60)), .appendTime, 0.02),
            (.appendErrors(atMost: 0.001, over: .seconds(60)), .appendErrors, 0.001),
            (.appendErrors(atMost: 0.00000001, over: .seconds(60)), .appendErrors, 1e-8),
            (.deadLetters(atMost: 2, over: .seconds(60)), .deadLetters, 2),
            (.rebuild(within: .seconds(90), over: .seconds(60)), .rebuild, 90),
            (.steps(p99: .seconds(7), over: .seconds(60)), .steps, 7),
            (.deadlines(p99: .microseconds(3), over: .seconds(60)), .lateness, 0.000003),
            (.parkedInstances(atMost: 0, over: .seconds(60)), .parked, 0),
            (.unknownOutcomes(atMost: 4, over: .seconds(60)), .unknownOutcomes, 4),
        ]
        #expect(Set(objectives.map { $0.1 }) == Set(ObjectivePromise.Kind.allCases))
        for (objective, kind, limit) in objectives {
            let promise = ObjectivePromise(objective.description)
            #expect(promise?.kind == kind && promise?.windowSeconds == 60, "\(objective)")
            #expect(abs((promise?.limit ?? -1) - limit) < 1e-12, "\(objective)")
        }
        for text in [
            "", "over", "lag p99 < over 60.0 seconds", "lag p99 < 5.0 hours over 60.0 seconds",
            "lag p99 < 5.0 seconds over 60.0", "lag p99 < 5.0 seconds over x seconds", "size < 5 over 60.0 seconds",
        ] { #expect(ObjectivePromise(text) == nil, "\(text)") }
    }
}
