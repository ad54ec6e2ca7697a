import Sillok

/// Courses with seats and students with a limit, in no stream: decisions over tags.
struct Enrolment: BoundaryDecider {
    enum Command: Sendable { case define(course: String, seats: Int), enrol(student: String, course: String) }
    enum Event: Codable, Equatable, Sendable {
        case defined(course: String, seats: Int)
        case enrolled(student: String, course: String)
    }
    enum Refusal: Error, Equatable { case alreadyDefined, unknownCourse, full, alreadyEnrolled }

    private(set) var seats: Int?
    private(set) var students: [String] = []

    static func boundary(of command: Command) -> EventQuery {
        switch command {
        case .define(let course, _), .enrol(_, let course): .tags(EventTag("course", course))
        }
    }

    static func tags(of event: Event) -> [EventTag] {
        switch event {
        case .defined(let course, _): [EventTag("course", course)]
        case .enrolled(let student, let course): [EventTag("course", course), EventTag("student", student)]
        }
    }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .define(let course, let seats):
            guard self.seats == nil else { throw .alreadyDefined }
            return [.defined(course: course, seats: seats)]
        case .enrol(let student, let course):
            guard let seats else { throw .unknownCourse }
            guard !students.contains(student) else { throw .alreadyEnrolled }
            guard students.count < seats else { throw .full }
            return [.enrolled(student: student, course: course)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .defined(_, let seats): self.seats = seats
        case .enrolled(let student, _): students.append(student)
        }
    }
}
