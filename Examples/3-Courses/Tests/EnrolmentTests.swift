import Sillok
import Testing

@testable import Courses

@Suite struct EnrolmentTests {
    private let store = MemoryEventStore()
    private var school: CommandHandler<Enrolment> { CommandHandler(in: store) }

    @Test func `a course never has more students than seats, however many ask at once`() async throws {
        let school = school
        try await school.execute(.define(course: "7", name: "Annals", seats: 5))
        let refused = await withTaskGroup(of: Bool.self) { group in
            for student in 0..<30 {
                group.addTask {
                    do {
                        try await school.execute(.enrol(student: "\(student)", course: "7"))
                        return false
                    } catch { return true }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(refused == 25)
        #expect(try await store.read(.types("enrolled")).events.count == 5)
    }

    @Test func `a student never takes more courses than allowed, however many are asked for at once`() async throws {
        let school = school
        for course in 0..<8 { try await school.execute(.define(course: "\(course)", name: "\(course)", seats: 9)) }
        await withTaskGroup(of: Void.self) { group in
            for course in 0..<8 {
                group.addTask { _ = try? await school.execute(.enrol(student: "Ada", course: "\(course)")) }
            }
        }
        #expect(try await store.read(.types("enrolled")).events.count == Enrolment.coursesPerStudent)
    }

    @Test func `the name of a course is unique`() async throws {
        try await school.execute(.define(course: "7", name: "Annals", seats: 5))
        await #expect(throws: (any Error).self) {
            try await school.execute(.define(course: "8", name: "Annals", seats: 5))
        }
        #expect(try await store.head() == 1)
    }

    @Test func `a seat that is left is free again`() async throws {
        try await school.execute(.define(course: "7", name: "Annals", seats: 1))
        try await school.execute(.enrol(student: "Ada", course: "7"))
        try await school.execute(.leave(student: "Ada", course: "7"))
        try await school.execute(.enrol(student: "Grace", course: "7"))
        #expect(try await store.head() == 4)
    }
}
