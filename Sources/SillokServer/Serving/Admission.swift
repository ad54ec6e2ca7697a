import SillokCore

/// The limits of concurrent requests and subscriptions. Requests above the limit are rejected with a retry delay.
final class Admission: Sendable {
    /// An open subscription, and how far it has come.
    struct Follower: Sendable {
        let id: UInt64
        let principal: String
        let query: String
        let since: Timestamp
        var position: Position
    }

    private struct State {
        var requests = 0
        /// The waiting requests, in the order of their arrival.
        var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var turn: UInt64 = 0
        var lastInLine: UInt64 = 0
        var followers: [UInt64: Follower] = [:]
        var nextID: UInt64 = 0
        var isClosing = false

        mutating func enter(limit: Int) -> Bool {
            guard requests < limit else { return false }
            requests += 1
            return true
        }
    }

    private let state = Lock(State())
    private let patience: Duration
    private let requestLimit: Int
    private let subscriptionLimit: Int

    /// - Parameter patience: the timeout for a request to be admitted. A rejection costs the server nearly as much as
    ///   an answer, and the client retries immediately. So the rejection is delayed by this time.
    init(requests: Int, subscriptions: Int, patience: Duration = .milliseconds(250)) {
        self.patience = patience
        requestLimit = requests
        subscriptionLimit = subscriptions
    }

    /// The maximum number of waiting requests.
    private static let lineLimit = 4096

    /// Admits a request, after a wait if too many are in progress; returns `false` if there are still too many.
    func begin() async -> Bool {
        if state.withLock({ $0.enter(limit: requestLimit) }) { return true }
        return await withCheckedContinuation { continuation in
            let place = state.withLock { state -> Result<UInt64, Settled> in
                if state.enter(limit: requestLimit) { return .failure(Settled(isTaken: true)) }
                guard state.waiting.count < Self.lineLimit else { return .failure(Settled(isTaken: false)) }
                state.lastInLine += 1
                state.waiting[state.lastInLine] = continuation
                return .success(state.lastInLine)
            }
            switch place {
            case .failure(let settled): continuation.resume(returning: settled.isTaken)
            case .success(let place):
                Task {
                    try? await Task.sleep(for: patience)
                    state.withLock { $0.waiting.removeValue(forKey: place) }?.resume(returning: false)
                }
            }
        }
    }

    /// Ends a request. The request that has waited longest takes its place.
    func end() {
        state.withLock { state -> CheckedContinuation<Bool, Never>? in
            while !state.waiting.isEmpty, state.turn < state.lastInLine {
                state.turn += 1
                if let next = state.waiting.removeValue(forKey: state.turn) { return next }
            }
            state.requests -= 1
            return nil
        }?.resume(returning: true)
    }

    private struct Settled: Error { let isTaken: Bool }

    /// A place among the subscriptions, held until the ticket is released.
    final class Ticket: Sendable {
        private let admission: Admission
        private let id: UInt64

        fileprivate init(_ admission: Admission, _ id: UInt64) {
            self.admission = admission
            self.id = id
        }

        deinit { end() }

        /// Releases the place. The ticket itself may live longer, for example in a response that has been sent.
        func end() {
            let id = id
            _ = admission.state.withLock { $0.followers.removeValue(forKey: id) }
        }

        func move(to position: Position) {
            let id = id
            admission.state.withLock { $0.followers[id]?.position = position }
        }
    }

    /// Admits a subscription; returns `nil` if the principal has too many.
    func subscribe(_ principal: String, _ query: String, since: Timestamp, at position: Position) -> Ticket? {
        let id = state.withLock { state -> UInt64? in
            let open = state.followers.values.count { $0.principal.hasSameBytes(as: principal) }
            guard open < subscriptionLimit else { return nil }
            state.nextID += 1
            state.followers[state.nextID] = Follower(
                id: state.nextID, principal: principal, query: query, since: since, position: position)
            return state.nextID
        }
        return id.map { Ticket(self, $0) }
    }

    /// The open subscriptions.
    var followers: [Follower] { state.withLock { $0.followers.values.sorted { $0.id < $1.id } } }

    /// Notes that the server is ending, so that subscriptions end.
    func close() { state.withLock { $0.isClosing = true } }

    /// Whether the server is ending.
    var isClosing: Bool { state.withLock { $0.isClosing } }

    /// The number of requests in progress.
    var requests: Int { state.withLock { $0.requests } }
}
