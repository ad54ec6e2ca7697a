import Sillok
package import SillokCore

/// The endpoints of a log, as far as this process has read it.
package final class EndpointDirectory: Sendable {
    private struct State {
        var endpoints: [String: WebhookEndpoint] = [:]
        var mark = EventMark.start
        /// Rises with every event of an endpoint.
        var version: UInt64 = 0
    }

    private let log: any EventStore
    private let state = Lock(State())
    private let signal = HeadSignal()
    private let coding = EventCoding<EndpointRecord.Event>()

    package init(log: any EventStore) { self.log = log }

    /// All endpoints in the order of their registration, without the removed ones.
    package var endpoints: [WebhookEndpoint] {
        state.withLock { state in
            state.endpoints.values.filter { $0.status != .removed }
                .sorted { $0.mark.position < $1.mark.position }
        }
    }

    /// All endpoints that are known, and the version of this knowledge.
    package var snapshot: (endpoints: [String: WebhookEndpoint], version: UInt64) {
        state.withLock { ($0.endpoints, $0.version) }
    }

    /// Returns an endpoint, also a removed one.
    package func endpoint(_ id: String) -> WebhookEndpoint? { state.withLock { $0.endpoints[id] } }

    private static let query = EventQuery.category(EndpointRecord.category)

    /// Reads the new events.
    package func load() async throws {
        while true {
            let batch = try await log.read(Self.query, resumingAfter: state.withLock { $0.mark })
            try take(batch)
            if batch.isEnd { return }
        }
    }

    /// Follows the log until the task is cancelled.
    package func follow() async throws {
        for try await batch in log.subscribe(to: Self.query, resumingAfter: state.withLock { $0.mark }) {
            try take(batch)
        }
    }

    /// Waits until the knowledge has a later version.
    package func change(after version: UInt64) async throws { try await signal.reach(Position(version + 1)) }

    private func take(_ batch: EventBatch) throws {
        var changes: [(event: RecordedEvent, payload: Recorded<EndpointRecord.Event>)] = []
        for event in batch.events {
            for recorded in try coding.recorded(event) { changes.append((event, recorded)) }
        }
        let version = state.withLock { state in
            // Two readers may have read the same page.
            for (event, recorded) in changes where event.position > state.mark.position {
                guard let id = event.stream?.key else { continue }
                if state.endpoints[id] == nil {
                    state.endpoints[id] = WebhookEndpoint(recorded, mark: EventMark(event))
                } else {
                    state.endpoints[id]?.apply(recorded.payload, at: event.recordedAt)
                }
                state.version += 1
            }
            if batch.through > state.mark.position || state.mark.id == nil { state.mark = batch.mark }
            return state.version
        }
        signal.advance(to: Position(version))
    }
}
