import SillokCore
import SillokTesting

extension OperationalChecks {
    private struct Decision: Sendable {
        let query: EventQuery
        let since: Position
        let receipt: Receipt
    }

    private struct Decisions: Sendable {
        var made: [Decision] = []
        var refused = 0
        var violations: [String] = []
    }

    /// Runs CON-2: clients decide on overlapping queries by tag, and append under the condition that nothing changed.
    ///
    /// Afterwards the log is replayed, and every condition is checked again at the position of its append. A condition
    /// that did not hold there is write skew.
    public func overlappingDecisions(clients: Int = 32, attempts: Int = 30) async throws -> OperationalReport {
        try await report("CON-2 \(clients) clients with overlapping tag conditions") {
            let run = fresh("seat")
            let outcomes = try await together(clients) { client in
                try await decide(client, attempts: attempts, tags: (0..<6).map { EventTag(run, "\($0)") })
            }
            let made = outcomes.flatMap(\.made)
            var violations = outcomes.flatMap(\.violations)
            var log: [RecordedEvent] = []
            for try await batch in store.pages(.all) { log += batch.events }
            let reference = ReferenceModel(events: log)
            var skews = 0
            for decision in made {
                let between = log.lazy.filter {
                    $0.position > decision.since && $0.position < decision.receipt.firstPosition
                }
                if let event = between.first(where: { reference.matches($0, decision.query) }) {
                    skews += 1
                    violations.append(
                        "decided on \(decision.since), stored at \(decision.receipt.firstPosition), "
                            + "but \(event.position) came between")
                }
            }
            return (
                [
                    ("tries", clients * attempts), ("stored", made.count),
                    ("refused", outcomes.reduce(0) { $0 + $1.refused }),
                    ("write skew", skews),
                ], violations
            )
        }
    }

    private func decide(_ client: Int, attempts: Int, tags: [EventTag]) async throws -> Decisions {
        var random = random(client)
        var outcome = Decisions()
        for _ in 0..<attempts {
            let chosen = Array(tags.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random)))
            let query = random.once(in: 2) ? EventQuery([.init(tags: chosen)]) : .any(of: chosen.map { .tags($0) })
            let batch = try await store.read(
                ReadRequest(query, direction: .backward, limit: 1))
            let since = random.once(in: 3) ? (batch.events.first?.position ?? .start) : batch.head
            await Task.yield()
            let events = (0..<Int.random(in: 1...2, using: &random)).map { _ in
                EventData(type: "taken", tags: Array(chosen.prefix(random.once(in: 2) ? 1 : 2)), text: "{}")
            }
            do {
                let receipt = try await store.append(events, if: .unchanged(query, since: since))
                outcome.made.append(Decision(query: query, since: since, receipt: receipt))
            } catch {
                guard case AppendError.conflict(let conflict) = error else { throw error }
                outcome.refused += 1
                let isExplained = conflict.events.allSatisfy { $0.position > since && query.matches($0) }
                if conflict.events.isEmpty || !isExplained {
                    outcome.violations.append("refused \(query) since \(since): \(conflict)")
                }
            }
        }
        return outcome
    }
}
