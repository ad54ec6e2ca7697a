import SillokCore

extension OperationalChecks {
    private struct Win: Sendable {
        let receipt: Receipt
        let expected: Revision
        let floor: Position
    }

    private struct Outcome: Sendable {
        var wins: [Win] = []
        var conflicts = 0
        var violations: [String] = []
    }

    /// Runs CON-1: all clients append to one stream at the revision that they read, and retry after a conflict.
    ///
    /// Each of these breaks a promise:
    /// - a revision that two clients got, or a missing revision;
    /// - a conflict with the wrong revision, or without the events in between;
    /// - a position below one that was acknowledged before the append began.
    public func hotStream(clients: Int = 64, appends: Int = 10) async throws -> OperationalReport {
        try await report("CON-1 \(clients) clients on one stream") {
            let stream = StreamID(StreamCategory(fresh("hot")), "1")
            let acknowledged = Lock(Position.start)
            let outcomes = try await together(clients) { _ in
                try await compete(on: stream, wins: appends, acknowledged)
            }
            let wins = outcomes.flatMap(\.wins), conflicts = outcomes.reduce(0) { $0 + $1.conflicts }
            var violations = outcomes.flatMap(\.violations)
            let revisions = wins.map { $0.expected.next.value }.sorted()
            if revisions != (0..<UInt64(clients * appends)).map({ $0 + 1 }) {
                violations.append("the revisions won are not 1…\(clients * appends), once each")
            }
            for win in wins {
                if win.receipt.revisions != [stream: win.expected.next] {
                    violations.append("expected revision \(win.expected), was given \(win.receipt.revisions)")
                }
                if win.receipt.position <= win.floor {
                    violations.append("position \(win.receipt.position) came after \(win.floor) was acknowledged")
                }
            }
            var stored: [RecordedEvent] = []
            for try await batch in store.pages(.stream(stream)) { stored += batch.events }
            if stored.map(\.revision.value) != revisions { violations.append("the stream is not 1…\(revisions.count)") }
            return ([("tries", wins.count + conflicts), ("won", wins.count), ("conflicts", conflicts)], violations)
        }
    }

    private func compete(
        on stream: StreamID, wins: Int, _ acknowledged: Lock<Position>
    ) async throws -> Outcome {
        var outcome = Outcome()
        while outcome.wins.count < wins {
            let expected = try await store.stream(stream)?.revision ?? .none
            let floor = acknowledged.withLock { $0 }
            await Task.yield()
            do {
                let receipt = try await store.append(
                    [EventData(type: "noted", text: "{}")], to: stream, if: .revision(expected, of: stream))
                acknowledged.withLock { $0 = max($0, receipt.position) }
                outcome.wins.append(Win(receipt: receipt, expected: expected, floor: floor))
            } catch {
                guard case AppendError.conflict(let conflict) = error else { throw error }
                outcome.conflicts += 1
                guard let actual = conflict.streams[stream]?.actual, actual > expected else {
                    outcome.violations.append("refused at revision \(expected): \(conflict)")
                    continue
                }
                let shown = conflict.events.map(\.revision.value)
                let came = Array(expected.next.value...actual.value)
                if shown != Array(came.prefix(shown.count)) || shown.isEmpty {
                    outcome.violations.append("between \(expected) and \(actual) came \(came), shown are \(shown)")
                }
            }
        }
        return outcome
    }
}
