import SillokCore

/// How much is under way: what comes when it is too much is told to come again.
final class Admission: Sendable {
    /// A subscription that is open, and how far it has come.
    struct Follower: Sendable {
        let id: UInt64
        let principal: String
        let query: String
        let since: Timestamp
        var position: Position
    }

    private struct State {
        var requests = 0
        var followers: [UInt64: Follower] = [:]
        var nextID: UInt64 = 0
        var isClosing = false
    }

    private let state = Lock(State())
    private let requestLimit: Int
    private let subscriptionLimit: Int

    init(requests: Int, subscriptions: Int) {
        requestLimit = requests
        subscriptionLimit = subscriptions
    }

    /// Takes a request in; `false` if too many are under way.
    func begin() -> Bool {
        state.withLock { state in
            guard state.requests < requestLimit else { return false }
            state.requests += 1
            return true
        }
    }

    func end() { state.withLock { $0.requests -= 1 } }

    /// A place among the subscriptions, for as long as somebody holds it.
    final class Ticket: Sendable {
        private let admission: Admission
        private let id: UInt64

        fileprivate init(_ admission: Admission, _ id: UInt64) {
            self.admission = admission
            self.id = id
        }

        deinit { end() }

        /// Gives the place up; it may be held on to longer, such as by a response that has been sent.
        func end() {
            let id = id
            _ = admission.state.withLock { $0.followers.removeValue(forKey: id) }
        }

        func move(to position: Position) {
            let id = id
            admission.state.withLock { $0.followers[id]?.position = position }
        }
    }

    /// Takes a subscription in; `nil` if the principal has too many.
    func subscribe(_ principal: String, _ query: String, since: Timestamp, at position: Position) -> Ticket? {
        let id = state.withLock { state -> UInt64? in
            guard state.followers.values.count(where: { $0.principal == principal }) < subscriptionLimit else {
                return nil
            }
            state.nextID += 1
            state.followers[state.nextID] = Follower(
                id: state.nextID, principal: principal, query: query, since: since, position: position)
            return state.nextID
        }
        return id.map { Ticket(self, $0) }
    }

    /// The subscriptions that are open.
    var followers: [Follower] { state.withLock { $0.followers.values.sorted { $0.id < $1.id } } }

    /// Lets subscriptions end by themselves.
    func close() { state.withLock { $0.isClosing = true } }

    /// Whether the server is ending.
    var isClosing: Bool { state.withLock { $0.isClosing } }

    /// Requests under way.
    var requests: Int { state.withLock { $0.requests } }
}
