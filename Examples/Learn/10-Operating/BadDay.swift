import SillokHistory
import SillokProjections
import SillokSQLite

let operatingLessons = [
    Lesson("bad-day", "The disk fills up, and an import writes events that no code can read") {
        let day = try BadDay()
        try await day.morning()
        await day.close()
    },
    Lesson("repair", "The next release: dead letters retried, the log checked, the rows rebuilt") {
        let day = try BadDay()
        try await day.afternoon()
        await day.close()
    },
]

/// A savings bank on a bad day. Its log and its read model are files of the current folder, so that `sillok` can look
/// at them between the two programs.
struct BadDay {
    private let file: SQLiteEventStore
    private let disk: Disk
    private let model: SQLiteReadModel
    private let monitor: ObjectiveMonitor
    private let accounts: CommandHandler<Savings>
    private let savings: Projector<SQLiteReadModel>
    private var side: ReadSide { savings.readSide }

    init() throws {
        file = try SQLiteEventStore(path: "savings.sqlite")
        disk = Disk(base: file)
        model = try SQLiteReadModel(path: "savings-views.sqlite")
        let hour = Duration.seconds(3600)
        let monitor = ObjectiveMonitor([
            .appends(p99: .seconds(2), over: hour), .appendErrors(atMost: 0.001, over: hour),
            .lag(p99: .seconds(60), over: hour), .deadLetters(atMost: 0, over: hour),
            .rebuild(within: .seconds(600), over: hour),
        ]) { alarm in
            print("ALARM", alarm)
        }
        let store = MeasuredEventStore(disk) { monitor.record($0) }
        accounts = CommandHandler("savings", in: store)
        let options = ProjectorOptions(failures: .park(attempts: 1, pause: .zero, capacity: 1000))
        savings = Projector(SavingsList(), from: store, into: model, options: options)
        self.monitor = monitor
    }

    func morning() async throws {
        for number in 0..<100 { try await accounts.execute(.deposit(10), on: "\(number % 10)") }
        try await fillDisk()
        try await importPoison()
        try await savings.catchUp()
        try await measure()
    }

    private func fillDisk() async throws {
        disk.isFull.withLock { $0 = true }
        do {
            try await accounts.execute(.deposit(10), on: "1")
        } catch let error as StoreError {
            print("the append failed: \(error.code), outcome \(error.outcome)")
        }
        disk.isFull.withLock { $0 = false }
        let outcome = try await accounts.execute(.deposit(10), on: "1")
        print("there is space again, the deposit is event \(outcome.position)")
    }

    /// An import appends past the decider, and writes a text where a number belongs.
    private func importPoison() async throws {
        for (account, payload) in [("3", #"{"cents":"ten"}"#), ("3", #"{"cents":7}"#), ("4", #"{"cents":5}"#)] {
            let event = EventData(type: "deposited", text: payload)
            try await file.append([event], to: StreamID("savings", account))
        }
    }

    /// Measures until the objectives are stored. A service measures for as long as it runs.
    private func measure() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (side, monitor) = (side, monitor)
            group.addTask { try await side.measure(with: monitor) }
            while try await side.objectives().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
            group.cancelAll()
        }
    }

    func afternoon() async throws {
        let ada = Operator("Ada", because: "the import wrote ten as a text")
        for letter in try await side.deadLetters(of: "savings") where letter.state == .failed {
            try await side.replace("savings", at: letter.position, with: #"{"cents":10}"#, by: ada)
        }
        try await savings.catchUp()
        for row in try await model.rows("SELECT account, cents FROM savings WHERE account IN ('3', '4')") {
            print("account \(row["account"].text ?? "") has \(row["cents"].integer ?? 0) cents")
        }
        try await checkLog()
        try await rebuild()
    }

    /// The question before a deployment: can this code read every event of the log?
    private func checkLog() async throws {
        let report = try await LogCheck<Savings>(in: file, category: "savings").run()
        for kind in report.kinds {
            print("\(kind.type) version \(kind.version): \(kind.count) events, \(kind.failures) cannot be read")
        }
    }

    private func rebuild() async throws {
        let ada = Operator("Ada", because: "to know how long it takes")
        let id = try await savings.rebuild(by: ada)
        for status in try await side.status(of: "savings") where status.build.id == id {
            print("\(id) was built from \(status.count) events, with \(status.deadLetters) dead letters")
            let (begin, end) = (status.build.begun, status.build.caughtUp ?? status.build.begun)
            let time = Duration.microseconds(end.microsecondsSince1970 - begin.microsecondsSince1970)
            monitor.record(.rebuild(projection: "savings", time: time))
        }
        for status in monitor.statuses() { print("\(status.objective): \(status.isMet ? "met" : "broken")") }
        print("rows that differ from the live ones: \(try await side.diff("savings").differences.count)")
        try await side.promote("savings", by: ada)
    }

    func close() async {
        await file.close()
        await model.close()
    }
}
