public import Sillok

/// A test of a decider without a store: given some events, when a command is decided, then it has this outcome.
///
/// ```swift
/// Scenario<BankAccount>
///     .given(.opened(owner: "Ada"), .deposited(amount: 100))
///     .when(.withdraw(30))
///     .then(.withdrawn(amount: 30))
/// ```
///
/// All events, given and decided, are encoded as JSON and decoded again, as in a store. An event that changes or fails
/// on the way fails the test. A `BoundaryDecider` sees only the given events that are within its boundary. Failures are
/// reported at the line of the expectation.
public struct Scenario<Subject: Decider>: Sendable {
    private let events: [Subject.Event]

    /// Returns a scenario in which these events have happened, in order.
    public static func given(_ events: Subject.Event...) -> Scenario { Scenario(events: events) }

    /// Returns a scenario in which these events have happened, in order.
    public static func given(_ events: [Subject.Event]) -> Scenario { Scenario(events: events) }

    /// Decides a command without earlier events, and returns the outcome.
    public static func when(_ command: Subject.Command) -> Outcome { given().when(command) }

    /// Decides a command after the given events, and returns the outcome.
    public func when(_ command: Subject.Command) -> Outcome { outcome(of: command, seeing: .all) }

    private func outcome(of command: Subject.Command, seeing boundary: EventQuery) -> Outcome {
        var state = Subject()
        var faults: [String] = []
        for event in events {
            let kept = RoundTrip(event)
            if let fault = kept.fault { faults.append(fault) }
            if boundary.matches(stream: nil, type: kept.type, tags: Subject.tags(of: event)) {
                state.evolve(kept.event)
            }
        }
        do throws(Subject.Refusal) {
            let decided = try state.decide(command).map { RoundTrip($0) }
            for event in decided { state.evolve(event.event) }
            return Outcome(
                state: state, result: .success(decided.map(\.event)), faults: faults + decided.compactMap(\.fault))
        } catch {
            return Outcome(state: state, result: .failure(error), faults: faults)
        }
    }

    /// An event after its way into JSON and back; itself, with a fault, if it did not survive.
    private struct RoundTrip {
        var event: Subject.Event
        var type: EventType = ""
        var fault: String?

        init(_ original: Subject.Event) {
            event = original
            do {
                let coding = EventCoding<Subject.Event>()
                let encoded = try coding.encode(original)
                type = encoded.type
                let decoded = try coding.decode(
                    RecordedEvent(
                        position: 1, stream: nil, revision: .none, recordedAt: Timestamp(microsecondsSince1970: 0),
                        data: encoded))
                guard decoded.count == 1 else {
                    fault = "\(original) comes back as \(decoded.count) events: \(decoded)"
                    return
                }
                event = decoded[0]
                if !isEqual(event, original) { fault = "\(original) comes back from JSON as \(event)" }
            } catch {
                fault = "\(original) does not survive JSON: \(error)"
            }
        }
    }
}

extension Scenario where Subject: BoundaryDecider {
    /// Decides a command without earlier events, and returns the outcome.
    public static func when(_ command: Subject.Command) -> Outcome { given().when(command) }

    /// Decides a command on the given events within its boundary, and returns the outcome.
    public func when(_ command: Subject.Command) -> Outcome {
        outcome(of: command, seeing: Subject.boundary(of: command))
    }
}

/// Whether both are equal; true if the type does not say what equal means.
private func isEqual<Value>(_ one: Value, _ other: Value) -> Bool {
    guard let one = one as? any Equatable else { return true }
    return one.equals(other)
}

extension Equatable {
    fileprivate func equals(_ other: Any) -> Bool { (other as? Self) == self }
}
