import SillokCore
import SillokGRPC

/// The requests and subscriptions that are under way, each counted for its owner: a principal, or an address where no
/// proof is asked for. A request that finds no place is refused.
final class Admission: Sendable {
    /// An open subscription, and how far it has come.
    struct Follower: Sendable {
        let id: UInt64
        let owner, principal, query: String
        let since: Timestamp
        var position: Position

        /// The number of positions that it is behind the head.
        func lag(behind head: Position) -> UInt64 { head > position ? head.value - position.value : 0 }
    }

    private struct State {
        var line: WaitingLine<CheckedContinuation<Bool, Never>>
        var followers: [UInt64: Follower] = [:]
        var nextID: UInt64 = 0
        var isClosing = false
    }

    private let state: Lock<State>
    private let timeout: Duration
    private let subscriptionLimit: Int

    /// - Parameter timeout: the time that a request waits for a place. A refusal costs the server nearly as much as
    ///   the request would, and brings the next one at once. So it is given after a moment.
    init(requests: Int, subscriptions: Int, timeout: Duration = .milliseconds(250)) {
        self.timeout = timeout
        subscriptionLimit = subscriptions
        state = Lock(State(line: WaitingLine(places: requests, waiting: Self.lineLimit)))
    }

    /// The number of requests that wait to be taken in, at most.
    private static let lineLimit = 4096

    /// The place of a request, until it is given back or released.
    final class Place: Sendable {
        private let admission: Admission
        private let owner: Lock<String?>

        fileprivate init(_ admission: Admission, _ owner: String) {
            self.admission = admission
            self.owner = Lock(owner)
        }

        deinit { end() }

        /// Gives the place up.
        func end() {
            if let owner = owner.take() { admission.end(owner) }
        }
    }

    /// Takes a request of an owner in, after a wait if it has its share; `nil` if there is no place all the same.
    func begin(_ owner: String) async -> Place? {
        if state.withLock({ $0.line.take(owner) }) { return Place(self, owner) }
        let isTaken = await withCheckedContinuation { continuation in
            switch state.withLock({ $0.line.enter(owner, continuation) }) {
            case .taken: continuation.resume(returning: true)
            case .refused: continuation.resume(returning: false)
            case .waits(let number):
                Task {
                    try? await Task.sleep(for: timeout)
                    state.withLock { $0.line.leave(owner, number) }?.resume(returning: false)
                }
            }
        }
        return isTaken ? Place(self, owner) : nil
    }

    private func end(_ owner: String) { state.withLock { $0.line.release(owner) }?.resume(returning: true) }

    /// The places that an owner holds, and all that there are.
    func places(of owner: String) -> (held: Int, limit: Int) {
        state.withLock { ($0.line.places.held(by: owner), $0.line.places.limit) }
    }

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

    /// Takes the subscription of an owner in; `nil` if it has too many.
    func subscribe(
        _ owner: String, principal: String, query: String, since: Timestamp, at position: Position
    ) -> Ticket? {
        let id = state.withLock { state -> UInt64? in
            guard state.followers.values.count(where: { $0.owner.hasSameBytes(as: owner) }) < subscriptionLimit
            else { return nil }
            state.nextID += 1
            state.followers[state.nextID] = Follower(
                id: state.nextID, owner: owner, principal: principal, query: query, since: since, position: position)
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

    /// Requests under way.
    var requests: Int { state.withLock { $0.line.places.taken } }
}
