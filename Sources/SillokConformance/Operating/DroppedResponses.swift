public import SillokCore
import SillokTesting

extension OperationalChecks {
    /// An append and the receipt that was finally answered.
    struct Acknowledged: Sendable {
        let request: AppendRequest
        let receipt: Receipt
    }

    /// Runs IDM-2: one response in five is lost, and clients repeat the same append until they get a response.
    ///
    /// Broken promises: an event that is stored twice or not at all, a receipt that does not say where the events are.
    public func droppedResponses(clients: Int = 16, appends: Int = 25) async throws -> OperationalReport {
        try await report("IDM-2 \(clients) clients, one response in five lost") {
            let (acknowledged, dropped) = try await appendDropping(clients: clients, appends: appends)
            let violations = try await duplicates(acknowledged)
            return (
                [("appends", acknowledged.count), ("responses lost", dropped), ("duplicates", violations.count)],
                violations
            )
        }
    }

    /// Runs IDM-3: clients repeat appends after many other events, and after the store was opened again.
    ///
    /// Broken promises: a repeated append that does not return the first receipt, or that stores something.
    public func lateRetries(
        appends: Int = 200, otherEvents: Int = 2000,
        reopen: (any EventStore) async throws -> any EventStore = { $0 }
    ) async throws -> OperationalReport {
        try await report("IDM-3 retries after \(otherEvents) other events and a restart") {
            let (acknowledged, _) = try await appendDropping(clients: 4, appends: max(1, appends / 4))
            let batch = min(store.limits.batchEvents, 100)
            for _ in 0..<otherEvents / batch {
                try await store.append((0..<batch).map { _ in EventData(type: "other", text: "{}") }, to: "other-1")
            }
            let reopened = try await reopen(store)
            let head = try await reopened.head()
            var violations: [String] = []
            for entry in acknowledged {
                let again = try await reopened.append(entry.request)
                if again != entry.receipt { violations.append("first \(entry.receipt), repeated \(again)") }
            }
            let after = try await reopened.head()
            if after != head { violations.append("retries moved the head from \(head) to \(after)") }
            return ([("retried", acknowledged.count), ("changed receipts", violations.count)], violations)
        }
    }

    private func appendDropping(clients: Int, appends: Int) async throws -> ([Acknowledged], Int) {
        let run = fresh("drop")
        let lossy = LossyStore(base: store, random: random(-1))
        let acknowledged = try await together(clients) { client in
            var random = random(client)
            var result: [Acknowledged] = []
            var revision = Revision.none
            let own = StreamID(StreamCategory(run), "\(client)")
            for _ in 0..<appends {
                let count = Int.random(in: 1...3, using: &random)
                let entries = (0..<count).map { index in
                    let stream =
                        index == 0
                        ? own : StreamID(StreamCategory(run), "shared\(Int.random(in: 0...1, using: &random))")
                    return AppendRequest.Entry(stream: stream, event: EventData(type: "noted", text: "{}"))
                }
                let request = AppendRequest(entries, if: .revision(revision, of: own))
                result.append(Acknowledged(request: request, receipt: try await lossy.insist(request)))
                revision = revision.next
            }
            return result
        }
        return (acknowledged.flatMap(\.self), lossy.dropped)
    }

    private func duplicates(_ acknowledged: [Acknowledged]) async throws -> [String] {
        var places: [EventID: [Position]] = [:]
        for try await batch in store.pages(.all) {
            for event in batch.events { places[event.id, default: []].append(event.position) }
        }
        var violations: [String] = []
        for entry in acknowledged {
            for (index, part) in entry.request.entries.enumerated() {
                let expected = Position(entry.receipt.firstPosition.value + UInt64(index))
                let found = places[part.event.id] ?? []
                if found != [expected] {
                    violations.append("event \(part.event.id): at \(found), receipt says \(expected)")
                }
            }
        }
        return violations
    }
}

/// Loses one request or response in five.
private final class LossyStore: Sendable {
    private let base: any EventStore
    private let state: Lock<(random: SeededGenerator, dropped: Int)>

    init(base: any EventStore, random: SeededGenerator) {
        self.base = base
        state = Lock((random, 0))
    }

    var dropped: Int { state.withLock { $0.dropped } }

    /// Repeats an append until a response comes through.
    func insist(_ request: AppendRequest) async throws -> Receipt {
        while true {
            let isLost = state.withLock { state in
                let isLost = state.random.once(in: 5)
                if isLost { state.dropped += 1 }
                return isLost
            }
            let receipt = try await base.append(request)
            if !isLost { return receipt }
        }
    }
}
