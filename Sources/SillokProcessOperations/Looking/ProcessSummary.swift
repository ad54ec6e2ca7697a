public import SillokCore
public import SillokProcesses

/// The state of an instance, for operators.
public enum InstanceState: String, Hashable, Sendable, CaseIterable {
    /// It has a request or an effect whose outcome is not known yet.
    case running
    /// It runs, and waits for an event or a deadline.
    case waiting
    /// Its executed steps are being undone.
    case compensating
    /// It takes no inputs, because one could not be handled. An operator must release it.
    case parked
    /// It has ended.
    case completed
    /// An event for it was parked or held, and it was never started.
    case notStarted
}

/// A process of a read model, with counts of its instances and of its work.
///
/// The counts of states are rows that the index keeps up to date, so they cost the same with any number of instances.
/// Work is counted up to ``limit``, and so are the instances in ``InstanceState/running``.
public struct ProcessSummary: Hashable, Sendable {
    /// The largest count of work. A count with this value means this many or more.
    public static let limit = IndexMeasuring.limit

    /// The name of the process.
    public let name: String
    /// The number of instances in each state. States without an instance are left out.
    public let instances: [InstanceState: Int]
    /// The number of inputs that are not handled.
    public let inputs: Int
    /// When the oldest input that is not handled was recorded; `nil` if all are handled.
    public let oldestInput: Timestamp?
    /// The number of inputs, steps and acts whose last attempt failed, without the effects in ``unknown``.
    public let failing: Int
    /// The number of effects whose outcome is unknown.
    public let unknown: Int
    /// The kinds of effects that are paused because their calls keep failing.
    public let pausedKinds: [PausedKind]
    /// The number of waiting deadlines.
    public let deadlines: Int
    /// The number of waiting deadlines whose time has passed, by the clock of this machine.
    public let overdue: Int
    /// When the next waiting deadline is due, or the oldest overdue one was due; `nil` if none waits.
    public let nextDue: Timestamp?
    /// The number of events that the index could not read. They are dead letters of the projection
    /// ``ProcessOperations/projection(of:)``.
    public let deadLetters: Int
    /// The position up to which the index contains the log.
    public let position: Position
    /// The head of the log.
    public let head: Position

    /// The number of all instances.
    public var total: Int { instances.values.reduce(0, +) }
}

/// An instance of a process.
public struct InstanceSummary: Hashable, Sendable {
    /// The key of the instance.
    public let key: String
    /// Its state.
    public let state: InstanceState
    /// The number of times that it was started; 0 if it never was.
    public let generation: Int
    /// The version of the definition when it was started.
    public let version: Int
    /// When it was started; `nil` if it never was.
    public let startedAt: Timestamp?
    /// Why it is parked; `nil` if it is not.
    public let parkedBecause: String?
}

/// An instance of a process, with its open work.
public struct InstanceDetail: Hashable, Sendable {
    /// The instance.
    public let summary: InstanceSummary
    /// The stream of its records.
    public let stream: StreamID
    /// The number of its records.
    public let revision: Revision
    /// Its open work in the order of the log, at most ``workLimit`` rows.
    public let work: [ProcessWork]

    /// The largest number of rows of ``work``.
    public static let workLimit = 200
}

/// Work of an instance that is not done: an input, a request, an effect, a deadline, or an act of an operator.
public struct ProcessWork: Hashable, Sendable {
    /// The kind of work.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// An event that is not handled.
        case input
        /// An event that waits until its instance starts.
        case held
        /// A request to an aggregate.
        case request
        /// A call of the outside world.
        case effect
        /// A call of the outside world whose outcome is unknown.
        case unknown
        /// A deadline.
        case deadline
        /// An act of an operator that the runner has not executed yet.
        case act
    }

    /// The id of the step, or of the event for an input. Acts name a step by it.
    public let id: EventID
    /// The key of the instance.
    public let key: String
    /// The kind of work.
    public let kind: Kind
    /// The name of the request, effect, deadline or act: the case of its enum. Empty for an input.
    public let name: String
    /// The position of the event that recorded it.
    public let position: Position
    /// When it is due: the time of a deadline. `nil` for other work.
    public let due: Timestamp?
    /// When the runner tries it again; `nil` if now, or not until the instance is released.
    public let nextAttempt: Timestamp?
    /// Whether it waits for an operator to release its instance.
    public let isHeldByParking: Bool
    /// The number of failed attempts since the index was built, or since an operator retried the work.
    public let attempts: Int
    /// The error of the last attempt; `nil` if none failed.
    public let failure: String?
}

/// A page of a list, and where the next one starts.
public struct ProcessPage<Element: Hashable & Sendable>: Hashable, Sendable {
    /// The elements.
    public let elements: [Element]
    /// Where the next page starts; `nil` after the last element.
    public let next: PageCursor?
}

/// A place in a list. Its text can be a parameter of a URL.
public struct PageCursor: Hashable, Sendable, CustomStringConvertible {
    let number: Int64
    let text: String

    init(_ number: Int64, _ text: String) { (self.number, self.text) = (number, text) }

    /// Reads a cursor from its text; returns `nil` for any other text.
    public init?(_ description: String) {
        guard let end = description.firstIndex(of: "."), let number = Int64(description[..<end]) else { return nil }
        self.init(number, String(description[description.index(after: end)...]))
    }

    /// The text.
    public var description: String { "\(number).\(text)" }
}
