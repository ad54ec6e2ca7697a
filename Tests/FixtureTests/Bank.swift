import SillokProjections
import SillokSnapshots

/// Accounts whose states are kept. The program of commit 0672aac that wrote the fixtures had the same declarations in a
/// module of the same name: the names of these types are in the snapshots.
struct Account: SnapshottedDecider {
    enum Command: Sendable { case open(owner: String), deposit(Int), withdraw(Int) }
    enum Event: Codable, Equatable, Sendable {
        case opened(owner: String), deposited(cents: Int), withdrawn(cents: Int)
    }
    enum Refusal: Error, Equatable { case notOpen, alreadyOpen, overdrawn }

    static let foldVersion = 1

    private(set) var owner: String?
    private(set) var balance = 0

    func decide(_ command: Command) throws(Refusal) -> [Event] {
        switch command {
        case .open(let owner):
            if self.owner != nil { throw .alreadyOpen }
            return [.opened(owner: owner)]
        case _ where owner == nil: throw .notOpen
        case .deposit(let cents): return [.deposited(cents: cents)]
        case .withdraw(let cents):
            if cents > balance { throw .overdrawn }
            return [.withdrawn(cents: cents)]
        }
    }

    mutating func evolve(_ event: Event) {
        switch event {
        case .opened(let owner): self.owner = owner
        case .deposited(let cents): balance += cents
        case .withdrawn(let cents): balance -= cents
        }
    }

    static func tags(of event: Event) -> [EventTag] {
        if case .opened(let owner) = event { return [EventTag("owner", owner)] }
        return []
    }
}

/// Courses with seats, in no stream: decisions over tags, whose states are kept too.
struct Course: BoundaryDecider, SnapshottedDecider {
    enum Command: Sendable { case define(course: String, seats: Int), enrol(student: String, course: String) }
    enum Event: Codable, Equatable, Sendable {
        case defined(course: String, seats: Int), enrolled(student: String, course: String)
    }
    enum Refusal: Error, Equatable { case alreadyDefined, unknown, full, alreadyEnrolled }

    static let foldVersion = 1

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
            if self.seats != nil { throw .alreadyDefined }
            return [.defined(course: course, seats: seats)]
        case .enrol(let student, let course):
            guard let seats else { throw .unknown }
            if students.contains(student) { throw .alreadyEnrolled }
            if students.count >= seats { throw .full }
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

/// The balance of every account. It cannot project a deposit of 13 cents.
struct Balances: Projection {
    struct Unlucky: Error {}

    let name = "balances"
    let version: Int
    let source = EventQuery.category("account")
    let schema: [SQL] = [
        "CREATE TABLE \(table: "account_balance") (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<Account.Event>) throws -> [SQL] {
        let account = event.stream?.text ?? ""
        switch event.payload {
        case .opened: return ["INSERT INTO \(table: "account_balance") VALUES (\(account), 0)"]
        case .deposited(13): throw Unlucky()
        case .deposited(let cents): return [add(cents, account)]
        case .withdrawn(let cents): return [add(-cents, account)]
        }
    }

    private func add(_ cents: Int, _ account: String) -> SQL {
        "UPDATE \(table: "account_balance") SET cents = cents + \(cents) WHERE account = \(account)"
    }

    func clear(sequence: String) -> [SQL]? {
        ["DELETE FROM \(table: "account_balance") WHERE account = \(sequence)"]
    }
}

/// A document for every account.
struct Owners: DocumentProjection {
    struct Document: Codable, Equatable, Sendable {
        var owner: String
        var deposits: Int
    }

    let name = "owners"
    let version = 1
    let source = EventQuery.category("account")

    func evolve(_ document: Document?, _ event: Recorded<Account.Event>) -> Document? {
        var document = document ?? Document(owner: "", deposits: 0)
        switch event.payload {
        case .opened(let owner): document.owner = owner
        case .deposited: document.deposits += 1
        case .withdrawn: break
        }
        return document
    }
}

/// The number of students of every course, in the append itself.
struct Seats: Projection {
    let name = "seats"
    let version = 1
    let source = EventQuery.types("defined", "enrolled")
    let sequencing = Sequencing.byTag("course")
    let schema: [SQL] = [
        "CREATE TABLE \(table: "course_seats") (course TEXT PRIMARY KEY, taken BIGINT NOT NULL)"
    ]

    func project(_ event: Recorded<Course.Event>) -> [SQL] {
        switch event.payload {
        case .defined(let course, _): ["INSERT INTO \(table: "course_seats") VALUES (\(course), 0)"]
        case .enrolled(_, let course):
            ["UPDATE \(table: "course_seats") SET taken = taken + 1 WHERE course = \(course)"]
        }
    }
}
