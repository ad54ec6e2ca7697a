import Testing

@testable import Sillok

@Suite("A decision over a boundary")
struct BoundaryTests {
    let store = TroubledStore()
    var courses: CommandHandler<Enrolment> { CommandHandler(in: store) }

    @Test("never gives away more seats than there are, for any number of concurrent requests")
    func keepsSeats() async throws {
        let handlers = [courses, courses]
        try await courses.execute(.define(course: "7", seats: 5))
        let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<32 {
                group.addTask {
                    do {
                        try await handlers[number % 2].execute(.enrol(student: "\(number)", course: "7"))
                        return false
                    } catch Enrolment.Refusal.full {
                        return true
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(refused == 27)
        #expect(try await courses.state(for: .define(course: "7", seats: 0)).students.count == 5)
        let events = try await store.read(.all).events
        #expect(events.allSatisfy { $0.stream == nil && $0.tags.first == "course:7" })
    }

    @Test("holds although other boundaries change")
    func ignoresOthers() async throws {
        try await courses.execute(.define(course: "7", seats: 1))
        store.add(.rival(EventData(type: "defined", tags: ["course:8"], text: #"{"course":"8","seats":1}"#), to: nil))
        try await courses.execute(.enrol(student: "ada", course: "7"))
        #expect(store.appends.count == 2)
        store.add(.rival(EventData(type: "defined", tags: ["course:9"], text: #"{"course":"9","seats":1}"#), to: nil))
        await #expect(throws: Enrolment.Refusal.alreadyDefined) {
            try await courses.execute(.define(course: "9", seats: 2))
        }
    }

    @Test("makes a name unique: of many concurrent requests, one gets it")
    func isUnique() async throws {
        let handlers = (0..<8).map { _ in courses }
        let winners = await withTaskGroup(of: Bool.self) { group in
            for (seats, handler) in handlers.enumerated() {
                group.addTask { (try? await handler.execute(.define(course: "ada", seats: seats))) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
        #expect(try await store.head() == 1)
    }

    @Test("of several commands is one append, each decided in its own boundary")
    func decidesSeveral() async throws {
        let outcome = try await courses.execute([
            .define(course: "7", seats: 1), .define(course: "8", seats: 1), .enrol(student: "ada", course: "7"),
            .enrol(student: "ada", course: "8"),
        ])
        #expect(outcome.events.count == 4 && outcome.receipt?.position == 4 && outcome.revision == .none)
        #expect(outcome.state.students == ["ada"])
        #expect(store.appends.count == 1)
        await #expect(throws: Enrolment.Refusal.full) {
            try await courses.execute([.enrol(student: "bob", course: "7"), .enrol(student: "bob", course: "8")])
        }
    }

    @Test("gives its first outcome when the command id comes again, and is bound to no stream")
    func repeats() async throws {
        let id = CommandID()
        let first = try await courses.execute(.define(course: "7", seats: 1), id: id)
        let again = try await courses.execute(.define(course: "7", seats: 1), id: id)
        #expect(again.isRepeat && again.receipt == first.receipt && again.events == first.events)
        let streams = CommandHandler<Enrolment>("course", in: store)
        await #expect(throws: CommandIDConflict.self) {
            try await streams.execute(.define(course: "7", seats: 1), on: "7", id: id)
        }
    }

    @Test("gives its first outcome, with the state of that time, when two handlers execute its id at once")
    func racesItself() async throws {
        try await courses.execute(.define(course: "7", seats: 3))
        let (id, other) = (CommandID(), CommandHandler<Enrolment>(in: store.inner))
        // Both decide the same event. The other one has seen one more before it.
        store.add(
            .first {
                try await other.execute(.enrol(student: "bob", course: "7"))
                try await other.execute(.enrol(student: "ada", course: "7"), id: id)
                try await other.execute(.enrol(student: "eve", course: "7"))
            })
        let outcome = try await courses.execute(.enrol(student: "ada", course: "7"), id: id)
        #expect(outcome.isRepeat && outcome.receipt?.position == 3)
        #expect(outcome.state.students == ["bob", "ada"])
        #expect(try await courses.state(for: .define(course: "7", seats: 0)).students == ["bob", "ada", "eve"])
    }

    @Test("gives up after the allowed attempts")
    func givesUp() async throws {
        for number in 0..<4 {
            store.add(
                .rival(
                    EventData(
                        type: "enrolled", tags: ["course:7"], text: "{\"student\":\"\(number)\",\"course\":\"7\"}"),
                    to: nil))
        }
        let handler = CommandHandler<Enrolment>(in: store, options: .init(retries: RetryPolicy(attempts: 1)))
        await #expect(throws: TooManyConflicts.self) { try await handler.execute(.define(course: "7", seats: 9)) }
        let patient = CommandHandler<Enrolment>(in: store, options: .init(retries: RetryPolicy(attempts: 3)))
        await #expect(throws: TooManyConflicts.self) { try await patient.execute(.define(course: "7", seats: 9)) }
        try await courses.execute(.define(course: "7", seats: 9))
        #expect(try await store.head() == 5)
    }
}
