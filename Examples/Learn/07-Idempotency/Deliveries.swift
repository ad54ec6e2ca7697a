/// What a consumer outside of the log receives: a fact, the id of its event, and its revision in the stream.
struct Message: Sendable {
    enum Fact: Sendable {
        /// A sum depends on each of these.
        case deposited(Int)
        /// Only the newest of these counts.
        case renamed(String)
    }

    let id: Int
    let revision: Int
    let fact: Fact
}

/// A customer as a consumer sees it: a sum, and a value of which the newest counts.
struct Customer: Sendable, CustomStringConvertible {
    var cents = 0
    var name = ""

    mutating func apply(_ fact: Message.Fact) {
        switch fact {
        case .deposited(let cents): self.cents += cents
        case .renamed(let name): self.name = name
        }
    }

    var description: String { "\(cents) \(name)" }
}

protocol Consumer: Sendable {
    init()
    var customer: Customer { get }
    mutating func receive(_ message: Message)
}

/// Applies everything that arrives.
struct Trusting: Consumer {
    private(set) var customer = Customer()

    mutating func receive(_ message: Message) { customer.apply(message.fact) }
}

/// Remembers the ids of what it has applied.
struct ByID: Consumer {
    private(set) var customer = Customer()
    private var known: Set<Int> = []

    mutating func receive(_ message: Message) {
        if known.insert(message.id).inserted { customer.apply(message.fact) }
    }
}

/// Remembers the newest revision, and ignores everything that is not newer.
struct ByRevision: Consumer {
    private(set) var customer = Customer()
    private var newest = 0

    mutating func receive(_ message: Message) {
        guard message.revision > newest else { return }
        newest = message.revision
        customer.apply(message.fact)
    }
}

/// Uses the id for a sum, and the revision for a value.
struct ByIDAndRevision: Consumer {
    private(set) var customer = Customer()
    private var known: Set<Int> = []
    private var newestName = 0

    mutating func receive(_ message: Message) {
        guard known.insert(message.id).inserted else { return }
        if case .renamed = message.fact {
            guard message.revision > newestName else { return }
            newestName = message.revision
        }
        customer.apply(message.fact)
    }
}

/// Ways in which the same four events can arrive.
enum Deliveries {
    static let events = [
        Message(id: 101, revision: 1, fact: .renamed("Kim")), Message(id: 102, revision: 2, fact: .deposited(100)),
        Message(id: 103, revision: 3, fact: .renamed("Lee")), Message(id: 104, revision: 4, fact: .deposited(-30)),
    ]

    static let all: [(name: String, messages: [Message])] = [
        ("in order, once", events),
        ("each one twice", events.flatMap { [$0, $0] }),
        ("in another order", [events[2], events[3], events[0], events[1]]),
        // The sender died before it noted that the third was taken, and begins again at the second.
        ("after a crash", Array(events[...2] + events[1...])),
    ]
}
