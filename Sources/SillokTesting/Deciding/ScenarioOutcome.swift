public import Sillok
public import Testing

extension Scenario {
    /// The outcome of a decision, with methods that compare it with expectations. Expectations can follow one another.
    public struct Outcome: Sendable {
        /// The state after the given events and those decided.
        public let state: Subject

        /// The events that were decided, or the refusal.
        public let result: Result<[Subject.Event], Subject.Refusal>

        let faults: [String]

        /// Runs `check` on the state after the decision.
        @discardableResult
        public func thenState(
            sourceLocation: SourceLocation = #_sourceLocation, _ check: (Subject) throws -> Void
        ) rethrows -> Outcome {
            report(nil, sourceLocation)
            try check(state)
            return self
        }

        /// Expects no event and no refusal.
        @discardableResult
        public func thenNothing(sourceLocation: SourceLocation = #_sourceLocation) -> Outcome {
            if case .success(let events) = result, events.isEmpty { return report(nil, sourceLocation) }
            return report("expected  no event\nfound     \(found)", sourceLocation)
        }

        /// Expects any refusal.
        @discardableResult
        public func thenRefused(sourceLocation: SourceLocation = #_sourceLocation) -> Outcome {
            if case .failure = result { return report(nil, sourceLocation) }
            return report("expected  a refusal\nfound     \(found)", sourceLocation)
        }

        private var found: String {
            switch result {
            case .success(let events): Self.listed(events)
            case .failure(let refusal): "refused: \(refusal)"
            }
        }

        private static func listed(_ events: [Subject.Event]) -> String {
            events.isEmpty ? "no event" : events.map { "\($0)" }.joined(separator: "\n          ")
        }

        @discardableResult
        private func report(_ message: String?, _ location: SourceLocation) -> Outcome {
            for text in faults + [message].compactMap(\.self) {
                Issue.record(Comment(rawValue: text), sourceLocation: location)
            }
            return self
        }
    }
}

extension Scenario.Outcome where Subject.Event: Equatable {
    /// Expects exactly these events, in this order.
    @discardableResult
    public func then(_ expected: Subject.Event..., sourceLocation: SourceLocation = #_sourceLocation) -> Self {
        if case .success(let events) = result, events == expected { return report(nil, sourceLocation) }
        return report("expected  \(Self.listed(expected))\nfound     \(found)", sourceLocation)
    }
}

extension Scenario.Outcome where Subject.Refusal: Equatable {
    /// Expects exactly this refusal.
    @discardableResult
    public func thenRefused(
        _ expected: Subject.Refusal, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Self {
        if case .failure(let refusal) = result, refusal == expected { return report(nil, sourceLocation) }
        return report("expected  refused: \(expected)\nfound     \(found)", sourceLocation)
    }
}
