import SillokCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One thread that writes, and the requests that wait for it: all that wait are committed together.
///
/// While a commit is under way others queue up, and the next commit takes them all: one fsync carries many appends. A
/// request that comes alone is committed at once. After a group the thread gives those who were answered a moment to come
/// again, an eighth of the time that the group took at most: else one half of them would wait while the other half is
/// committed.
package final class GroupCommit<Request: Sendable, Answer: Sendable>: Sendable {
    /// What came of each request of a group, in their order.
    package typealias Commit = @Sendable ([Request]) -> [Result<Answer, any Error>]

    /// A request that waits. An object, so that moving it is moving one reference.
    private final class Waiting: Sendable {
        let request: Request
        let weight: Int
        let continuation: CheckedContinuation<Answer, any Error>

        init(_ request: Request, _ weight: Int, _ continuation: CheckedContinuation<Answer, any Error>) {
            self.request = request
            self.weight = weight
            self.continuation = continuation
        }
    }

    private struct State {
        var queue: [Waiting] = []
        var isThreadIdle = false
        var closing: (any Error)?
        var isStopped = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private enum Step {
        case commit([Waiting])
        case stop([CheckedContinuation<Void, Never>])
    }

    private let state = Lock(State())

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - maximumWeight: a group ends when the weights of its requests reach this.
    ///   - commit: carries out a group, on the thread.
    ///   - afterCommit: what is to be done when the answers are out, on the thread: house-keeping.
    ///   - atEnd: the last thing that the thread does.
    package init(
        maximumWeight: Int, commit: @escaping Commit, afterCommit: @escaping @Sendable () -> Void,
        atEnd: @escaping @Sendable () -> Void
    ) {
        startThread { [state] in
            while true {
                switch state.wait(until: { Self.nextStep(&$0, maximumWeight) }) {
                case .commit(let group):
                    let start = ContinuousClock.now
                    // Not a key path: in a generic place it is made anew each time.
                    let answers = commit(group.map { $0.request })
                    let patience = start.duration(to: .now) / 8
                    for (waiting, answer) in zip(group, answers) { waiting.continuation.resume(with: answer) }
                    afterCommit()
                    if group.count > 1 { Self.gather(group.count, state, for: patience) }
                case .stop(let waiters):
                    atEnd()
                    let late = state.withLock { state in
                        state.isStopped = true
                        defer { state.stopWaiters = [] }
                        return state.stopWaiters
                    }
                    for waiter in waiters + late { waiter.resume() }
                    return
                }
            }
        }
    }

    /// Queues a request and waits for what comes of it.
    ///
    /// Cancelling the task does not take the request back: it is answered truthfully, in the time of a commit.
    package func submit(_ request: Request, weight: Int) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let (refusal, wake) = state.withLock { state -> ((any Error)?, Bool) in
                if let closing = state.closing { return (closing, false) }
                state.queue.append(Waiting(request, weight, continuation))
                return (nil, state.isThreadIdle)
            }
            if let refusal { continuation.resume(throwing: refusal) }
            if wake { state.wakeOne() }
        }
    }

    /// Refuses new requests with `error`, lets those that wait finish, and returns when the thread has ended.
    package func close(refusing error: any Error) async {
        await withCheckedContinuation { continuation in
            let isStopped = state.withLock { state in
                if state.isStopped { return true }
                if state.closing == nil { state.closing = error }
                state.stopWaiters.append(continuation)
                return false
            }
            if isStopped { continuation.resume() } else { state.wakeOne() }
        }
    }

    /// Refuses new requests and lets the thread end by itself.
    package func abandon(refusing error: any Error) {
        state.withLock { state in
            if state.closing == nil { state.closing = error }
        }
        state.wakeOne()
    }

    /// Lets other threads run until as many requests wait as were answered, no more come, or the time is over.
    private static func gather(_ expected: Int, _ state: Lock<State>, for patience: Duration) {
        let end = ContinuousClock.now + patience
        var (before, quiet) = (0, 0)
        while quiet < 8, ContinuousClock.now < end {
            let (count, isClosing) = state.withLock { ($0.queue.count, $0.closing != nil) }
            if count >= expected || isClosing { return }
            quiet = count == before ? quiet + 1 : 0
            before = count
            sched_yield()
        }
    }

    private static func nextStep(_ state: inout State, _ maximumWeight: Int) -> Step? {
        if state.queue.isEmpty {
            guard state.closing != nil else {
                state.isThreadIdle = true
                return nil
            }
            defer { state.stopWaiters = [] }
            return .stop(state.stopWaiters)
        }
        state.isThreadIdle = false
        var weight = 0
        let end = state.queue.firstIndex { waiting in
            weight += waiting.weight
            return weight >= maximumWeight
        }
        guard let end, end + 1 < state.queue.count else {
            defer { state.queue = [] }
            return .commit(state.queue)
        }
        defer { state.queue.removeFirst(end + 1) }
        return .commit(Array(state.queue[...end]))
    }
}
