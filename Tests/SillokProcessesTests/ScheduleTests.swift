import Sillok
import SillokCore
import SillokProcessOperations
import SillokProcesses
import SillokSQLite
import SillokTesting
import Testing

private enum Reminder: SchedulableCommand, Equatable {
    static let schedule = "reminders"

    case confirm(order: String)
}

@Suite("Scheduled commands") struct ScheduleTests {
    private let clock = ManualClock()
    private let store: MemoryEventStore
    private let model: SQLiteReadModel
    private let whom = Operator("Ada", because: "asked by phone")

    init() throws {
        store = MemoryEventStore(clock: clock.wallClock)
        model = try SQLiteReadModel()
    }

    private var reminders: ScheduledCommands<Reminder> {
        let outcomes = CommandHandler<Outcome>("outcome", in: store)
        return ScheduledCommands(Reminder.self, in: store, index: model, options: World.options) { reminder in
            switch reminder {
            case .confirm(let order): .execute(.confirm, on: order, with: outcomes)
            }
        }
    }

    private var operations: ProcessOperations {
        ProcessOperations(of: store, in: model, wallClock: clock.wallClock)
    }

    private func outcome(_ order: String) async throws -> [EventType] {
        try await store.read(.stream(StreamID("outcome", order))).events.map(\.type)
    }

    @Test("a command is executed once, at its time and not before")
    func executed() async throws {
        let due = clock.wallClock.now().advanced(byMicroseconds: 60_000_000)
        let reminders = reminders
        try await reminders.schedule(.confirm(order: "1"), at: due, key: "order-1")
        try await reminders.catchUp()
        #expect(try await outcome("1") == [])
        #expect(try await operations.schedules().map(\.name) == ["reminders"])
        #expect(try await operations.schedules().first?.process.deadlines == 1)
        clock.advance(by: .seconds(61))
        for _ in 0..<2 { try await reminders.catchUp() }
        #expect(try await outcome("1") == ["confirmed"])
        #expect(try await reminders.status().instances == ["completed": 1])
    }

    @Test("a command that is withdrawn or replaced is not executed")
    func withdrawn() async throws {
        let due = clock.wallClock.now().advanced(byMicroseconds: 60_000_000)
        for key in ["a", "b", "c"] { try await reminders.schedule(.confirm(order: key), at: due, key: key) }
        try await reminders.catchUp()
        try await reminders.withdraw("a", reason: "it is paid")
        try await operations.withdraw("b", in: "reminders", by: whom)
        try await reminders.schedule(.confirm(order: "d"), at: due, key: "c")
        clock.advance(by: .seconds(61))
        try await reminders.catchUp()
        for order in ["a", "b", "c"] { #expect(try await outcome(order) == []) }
        #expect(try await outcome("d") == ["confirmed"])
        await #expect(throws: ProcessRefusal.self) { try await operations.withdraw("d", in: "reminders", by: whom) }
        await #expect(throws: ProcessRefusal.self) { try await operations.withdraw("a", in: "none", by: whom) }
    }

    @Test("an operator schedules a command without its code, and it is executed")
    func added() async throws {
        try await reminders.catchUp()
        let command = try #require(JSONValue(parsing: #"{"confirm":{"order":"7"}}"#))
        let key = try await operations.schedule(command, at: clock.wallClock.now(), in: "reminders", by: whom)
        clock.advance(by: .seconds(1))
        try await reminders.catchUp()
        #expect(try await outcome("7") == ["confirmed"])
        let scheduled = try #require(try await store.read(.category("schedule:reminders")).events.first)
        #expect(scheduled.stream?.key == key && scheduled.metadata.actor == "Ada")
    }
}
