public import Sillok
public import SillokProcesses
public import Testing

/// A test of a process manager without a store: given some inputs, when an input comes, then it wants these steps.
///
/// ```swift
/// ProcessScenario<Checkout>
///     .given(.happened(.placed(cents: 500), in: "order-1"), .request(.reserve, .accepted))
///     .when(.deadline(.payment, due: "2026-01-01T00:30:00Z"))
///     .then(.compensate("unpaid"), .complete)
/// ```
/// Every step is recorded and read again, as it would be in a stream. The input is handled twice: a process that is not
/// pure fails. Failures are reported at the line of the expectation.
public struct ProcessScenario<Subject: ProcessManager>: Sendable {
    private let inputs: [ProcessInput<Subject>]

    /// Creates a scenario from what has happened, in order.
    public static func given(_ inputs: ProcessInput<Subject>...) -> ProcessScenario { ProcessScenario(inputs: inputs) }

    /// Creates a scenario from what has happened, in order.
    public static func given(_ inputs: [ProcessInput<Subject>]) -> ProcessScenario { ProcessScenario(inputs: inputs) }

    /// Returns the outcome of an input without earlier inputs.
    public static func when(_ input: ProcessInput<Subject>) -> Outcome { given().when(input) }

    /// Returns the outcome of an input after the given ones.
    public func when(_ input: ProcessInput<Subject>) -> Outcome {
        var before = Subject()
        for input in inputs { before.evolve(input) }
        var (state, again) = (before, before)
        state.evolve(input)
        again.evolve(input)
        let steps = state.react(to: input)
        var faults: [String] = []
        do {
            let recorded = try steps.map { try $0.recordedForm() }
            let repeated = try again.react(to: input).map { try $0.recordedForm() }
            if recorded != repeated {
                faults.append("the process is not pure: it wanted \(recorded), and then \(repeated)")
            }
        } catch {
            faults.append("a step cannot be recorded: \(error)")
        }
        return Outcome(state: state, steps: steps, faults: faults)
    }

    /// What the process wanted, to be compared with what it should have wanted. Expectations can follow one another.
    public struct Outcome: Sendable {
        /// The state after the input.
        public let state: Subject

        /// The steps that it wants.
        public let steps: [ProcessStep<Subject>]

        let faults: [String]

        /// Runs `check` on the state after the input.
        @discardableResult
        public func thenState(
            sourceLocation: SourceLocation = #_sourceLocation, _ check: (Subject) throws -> Void
        ) rethrows -> Outcome {
            report(nil, sourceLocation)
            try check(state)
            return self
        }

        /// Expects that the process wants nothing.
        @discardableResult
        public func thenNothing(sourceLocation: SourceLocation = #_sourceLocation) -> Outcome {
            report(steps.isEmpty ? nil : "expected  no step\nfound     \(Self.listed(steps))", sourceLocation)
        }

        static func listed(_ steps: [ProcessStep<Subject>]) -> String {
            steps.isEmpty
                ? "no step"
                : steps.map { (try? $0.recordedForm()) ?? "\($0)" }.joined(separator: "\n          ")
        }

        @discardableResult
        func report(_ message: String?, _ location: SourceLocation) -> Outcome {
            for text in faults + [message].compactMap(\.self) {
                Issue.record(Comment(rawValue: text), sourceLocation: location)
            }
            return self
        }
    }
}

extension ProcessScenario.Outcome
where Subject.Request: Equatable, Subject.Effect: Equatable, Subject.Deadline: Equatable {
    /// Expects exactly these steps, in this order.
    @discardableResult
    public func then(
        _ expected: ProcessStep<Subject>..., sourceLocation: SourceLocation = #_sourceLocation
    ) -> Self {
        let message = "expected  \(Self.listed(expected))\nfound     \(Self.listed(steps))"
        return report(steps == expected ? nil : message, sourceLocation)
    }
}

extension ProcessInput {
    /// Returns an event of the source, as it would be read from the log.
    ///
    /// - Parameters:
    ///   - payload: the event.
    ///   - stream: its stream.
    ///   - time: when it was recorded; by default the first moment of 2026.
    public static func happened(
        _ payload: Manager.Event, in stream: StreamID,
        at time: Timestamp = Timestamp(microsecondsSince1970: 1_767_225_600_000_000)
    ) -> Self {
        let data = EventData(id: EventID(high: 0, low: 1), type: "happened", payload: [])
        let event = RecordedEvent(position: 1, stream: stream, revision: 1, recordedAt: time, data: data)
        return .event(Recorded(event, payload: payload))
    }
}
