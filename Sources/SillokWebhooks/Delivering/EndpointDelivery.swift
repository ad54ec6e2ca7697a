import SillokCore
import SillokProjections
import SillokWebhookOperations

/// Sends the events of one endpoint: messages in their order, several sequences at the same time.
final class EndpointDelivery: Sendable {
    /// What it works with.
    struct Tools: Sendable {
        let store: StoreID
        let log: DeliveryLog
        let options: WebhookOptions
        /// Sends a request.
        let send: @Sendable (WebhookRequest) async throws -> WebhookAnswer
        /// Returns the endpoint with its latest changes, or `nil`.
        let current: @Sendable () -> WebhookEndpoint?
        /// Returns the keys of the endpoint in a generation.
        let keys: @Sendable (_ generation: Int) throws -> [any WebhookSigner]
        /// Disables the endpoint, for a reason.
        let disable: @Sendable (String) async throws -> Void
    }

    /// The endpoint is no longer there; nothing is sent any more.
    struct Gone: Error {}

    private struct State {
        var health = DeliveryLog.Health()
        /// How many attempts in a row have failed.
        var failures = 0
        /// What the endpoint consented to; `nil` before it was asked.
        var consent: (rate: Int?, isGiven: Bool)?
        /// When the next request may be sent, by the stopwatch.
        var nextRequest = Duration.zero
        /// Attempts that are not in the delivery log yet.
        var deliveries: [WebhookDelivery] = []
    }

    /// After this number of failures in a row, attempts become rare.
    private static let fewFailures = 20

    private let endpoint: WebhookEndpoint
    private let tools: Tools
    private let state: Lock<State>
    private let elapsed: @Sendable () -> Duration

    init(_ endpoint: WebhookEndpoint, _ tools: Tools) async throws {
        self.endpoint = endpoint
        self.tools = tools
        elapsed = tools.options.clock.stopwatch()
        state = Lock(State(health: try await tools.log.health(of: endpoint.id)))
    }

    /// Sends the next events of sequences; returns those that the endpoint did not take, with the reasons.
    func deliver(_ sequences: [[RecordedEvent]]) async throws -> [Position: any Error] {
        let (sent, tooFar) = withoutLoops(sequences)
        let lanes = WebhookMessage.lanes(sent, of: endpoint, from: tools.store)
        do {
            var failures = try await concurrently(lanes, atMost: tools.options.concurrency) { [self] messages in
                for message in messages {
                    if let reason = try await send(message) {
                        return Dictionary(message.events.map { ($0.position, reason) }) { first, _ in first }
                    }
                }
                return [:]
            }
            try await logDeliveries()
            failures.merge(tooFar) { first, _ in first }
            return failures
        } catch {
            try? await logDeliveries()
            throw error
        }
    }

    /// Returns the sequences up to their first event that too many hops led to, and those events.
    private func withoutLoops(_ sequences: [[RecordedEvent]]) -> ([[RecordedEvent]], [Position: any Error]) {
        var failures: [Position: any Error] = [:]
        let sent = sequences.map { events in
            let sent = events.prefix { $0.metadata.hops < tools.options.hopLimit }
            if sent.count < events.count {
                let event = events[sent.count]
                failures[event.position] = WebhookRefusal(
                    "\(event.metadata.hops) hops led to this event; the limit is \(tools.options.hopLimit). Do "
                        + "systems answer each other?")
            }
            return Array(sent)
        }
        return (sent.filter { !$0.isEmpty }, failures)
    }

    /// Sends a message once, or more often while the endpoint asks to wait; returns why it was not taken.
    private func send(_ message: WebhookMessage) async throws -> WebhookRefusal? {
        while true {
            try await waitForHold()
            let (answer, delivery) = try await attempt(message)
            state.withLock { $0.deliveries.append(delivery) }
            if delivery.isTaken {
                try await succeeded()
                return nil
            }
            if answer?.status == 410 {
                try await tools.disable("It answered 410 Gone.")
                throw Gone()
            }
            try await failed()
            let delay = answer?.retryAfter.flatMap { RetryAfter.delay($0, at: now) }
            if let delay { try await hold(for: delay) }
            // The endpoint is busy. That says nothing about the message, so it is no failed attempt.
            guard delay != nil, answer?.status == 429 || answer?.status == 503 else {
                return WebhookRefusal(delivery.outcome)
            }
        }
    }

    private var now: Timestamp { tools.options.wallClock.now() }

    private func attempt(_ message: WebhookMessage) async throws -> (WebhookAnswer?, WebhookDelivery) {
        let elapsed = tools.options.clock.stopwatch()
        var answer: WebhookAnswer?
        var outcome: String
        do {
            let options = tools.options
            try await waitForRate(try await consentedRate())
            let token = try options.bearerToken(endpoint.id).map { try WebhookRequest.checked($0) }
            let request = WebhookRequest(
                message, to: endpoint.url, signedBy: try keys(at: now), at: now, token: token,
                origin: options.handshake?.origin)
            let received = try await tools.send(request)
            answer = received
            outcome = "the endpoint answered \(received.status)"
            if (300..<400).contains(received.status) { outcome += ", and redirects are not followed" }
        } catch {
            if Task.isCancelled { throw CancellationError() }
            outcome = "\(error)"
        }
        let delivery = WebhookDelivery(
            at: now, message: message.id, position: message.events.first?.position ?? .start,
            events: message.events.count, status: answer?.status, outcome: outcome, time: elapsed())
        return (answer, delivery)
    }

    /// The keys that sign now: the newest, and for some time after a rotation the one before it.
    private func keys(at now: Timestamp) throws -> [any WebhookSigner] {
        let endpoint = tools.current() ?? endpoint
        let newest = try tools.keys(endpoint.generation)
        guard let rotated = endpoint.rotatedAt,
            .microseconds(now.microseconds(since: rotated)) < tools.options.keyOverlap
        else { return newest }
        return newest + (try tools.keys(endpoint.generation - 1))
    }
}

// The health of the endpoint.
extension EndpointDelivery {
    /// Waits until the endpoint is not held. Looks at the time of day again and again, because it may be set.
    private func waitForHold() async throws {
        while let until = state.withLock({ $0.health.heldUntil }) {
            let left = Duration.microseconds(until.microseconds(since: now))
            guard left > .zero else { return }
            try await logDeliveries()
            try await tools.options.clock.sleep(for: min(left, .seconds(30)))
        }
    }

    /// Asks the endpoint once for its consent, and returns how many requests a minute it takes; `nil` for any number.
    private func consentedRate() async throws -> Int? {
        guard let handshake = tools.options.handshake else { return nil }
        if let consent = state.withLock({ $0.consent }) { return consent.rate }
        let answer = try? await tools.send(WebhookRequest(asking: endpoint.url, handshake))
        if Task.isCancelled { throw CancellationError() }
        let rate = try handshake.rate(by: answer)
        state.withLock { $0.consent = (rate, true) }
        return rate
    }

    /// Waits until the endpoint takes another request by the rate that it allows.
    private func waitForRate(_ rate: Int?) async throws {
        guard let rate else { return }
        let now = elapsed()
        let start = state.withLock { state in
            let start = max(now, state.nextRequest)
            state.nextRequest = start + .seconds(60) / rate
            return start
        }
        if start > now { try await tools.options.clock.sleep(for: start - now) }
    }

    private func logDeliveries() async throws {
        let deliveries = state.withLock { state in
            defer { state.deliveries = [] }
            return state.deliveries
        }
        try await tools.log.add(deliveries, of: endpoint.id)
    }

    private func hold(for delay: Duration) async throws {
        let until = now.advanced(byMicroseconds: delay.wholeMicroseconds)
        try await change { state in
            state.health.heldUntil = max(until, state.health.heldUntil ?? until)
        }
    }

    private func succeeded() async throws {
        try await change { state in
            state.failures = 0
            state.health.failingSince = nil
        }
    }

    private func failed() async throws {
        let now = now
        try await change { state in
            state.failures += 1
            state.health.failingSince = state.health.failingSince ?? now
        }
        let (failures, since) = state.withLock { ($0.failures, $0.health.failingSince ?? now) }
        let time = Duration.microseconds(now.microseconds(since: since))
        if time > tools.options.disablesAfter {
            try await tools.disable("Every attempt has failed since \(since).")
            throw Gone()
        }
        // Otherwise an endpoint that is down would turn everything that it should get into dead letters at once, and
        // one that is busy would be asked again at once.
        let excess = failures - Self.fewFailures
        if excess >= 0 { try await hold(for: min(.seconds(5) * (1 << min(excess, 6)), .seconds(300))) }
    }

    /// Changes the state, and stores the health if it is another one.
    private func change(_ body: (inout State) -> Void) async throws {
        let health = state.withLock { state -> DeliveryLog.Health? in
            let before = state.health
            body(&state)
            return state.health == before ? nil : state.health
        }
        if let health { try await tools.log.set(health, of: endpoint.id) }
    }
}
