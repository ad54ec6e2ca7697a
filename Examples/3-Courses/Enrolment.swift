import Sillok

/// Courses with seats, students with a limit, names that are unique: rules that span any cut into streams.
///
/// Events belong to no stream. Their tags say what they are about, and each command says by tags what its decision
/// rests on. Two students race for the last seat: both decisions rest on `course:…`, so one of them is made again.
struct Enrolment: BoundaryDecider {
    enum Command: Sendable {
        case define(course: String, name: String, seats: Int)
        case enrol(student: String, course: String)
        case leave(student: String, course: String)
    }

    enum Event: Codable, Equatable, Sendable {
        case courseDefined(course: String, name: String, seats: Int)
        case enrolled(student: String, course: String)
        case left(student: String, course: String)
    }

    enum Refusal: Error, Equatable {
        case courseExists, nameTaken, noSuchCourse, courseFull, tooManyCourses, notEnrolled
    }

    /// A student takes at most this many courses.
    static let coursesPerStudent = 3

    private var seats: [String: Int] = [:]
    private var names: Set<String> = []
    private var enrolments: Set<Pair> = []

    private struct Pair: Hashable { let student, course: String }

    static func tags(of event: Event) -> [EventTag] {
        switch event {
        case .courseDefined(let course, let name, _): [EventTag("course", course), EventTag("name", name)]
        case .enrolled(let student, let course), .left(let student, let course):
            [EventTag("course", course), EventTag("student", student)]
        }
    }

    static func boundary(of command: Command) -> EventQuery {
        switch command {
        case .define(let course, let name, _): .tags(EventTag("course", course)).or(.tags(EventTag("name", name)))
        case .enrol(let student, let course): .tags(EventTag("course", course)).or(.tags(EventTag("student", student)))
        case .leave(let student, let course): .tags(EventTag("course", course), EventTag("student", student))
        }
    }

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .define(let course, let name, let seats):
            if self.seats[course] != nil { throw .courseExists }
            if names.contains(name) { throw .nameTaken }
            return [.courseDefined(course: course, name: name, seats: seats)]
        case .enrol(let student, let course):
            guard let seats = seats[course] else { throw .noSuchCourse }
            if enrolments.contains(Pair(student: student, course: course)) { return [] }
            if enrolments.count(where: { $0.course == course }) >= seats { throw .courseFull }
            let courses = enrolments.count { $0.student == student }
            if courses >= Self.coursesPerStudent { throw .tooManyCourses }
            return [.enrolled(student: student, course: course)]
        case .leave(let student, let course):
            guard enrolments.contains(Pair(student: student, course: course)) else { throw .notEnrolled }
            return [.left(student: student, course: course)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .courseDefined(let course, let name, let count):
            seats[course] = count
            names.insert(name)
        case .enrolled(let student, let course): enrolments.insert(Pair(student: student, course: course))
        case .left(let student, let course): enrolments.remove(Pair(student: student, course: course))
        }
    }
}
