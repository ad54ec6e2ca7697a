import SillokCore

/// A queue of background work that no caller waits for. It runs one piece after the other. A newer piece for the same
/// key replaces the older one, and work is refused when too much is waiting.
final class BackgroundWork: Sendable {
    typealias Piece = @Sendable () async -> Void

    private struct State {
        var pieces: [StreamID: Piece] = [:]
        var order: [StreamID] = []
        var isRunning = false
        var waiting: [AsyncStream<Void>.Continuation] = []
    }

    private let limit: Int
    private let state = Lock(State())

    /// - Parameter limit: how many pieces may wait.
    init(limit: Int) { self.limit = limit }

    /// Adds work of a name; `false` if too much is waiting.
    @discardableResult
    func add(_ name: StreamID, _ piece: @escaping Piece) -> Bool {
        let (isAdded, begins) = state.withLock { state -> (Bool, Bool) in
            let isNew = state.pieces[name] == nil
            guard !isNew || state.pieces.count < limit else { return (false, false) }
            state.pieces[name] = piece
            if isNew { state.order.append(name) }
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if begins { Task(priority: .utility) { await run() } }
        return isAdded
    }

    /// Waits until nothing is waiting.
    func flush() async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let isIdle = state.withLock { state in
            if state.isRunning { state.waiting.append(end) }
            return !state.isRunning
        }
        if isIdle { return }
        for await _ in ends { break }
    }

    private func run() async {
        while let piece = next() { await piece() }
    }

    private func next() -> Piece? {
        let (piece, waiting) = state.withLock { state -> (Piece?, [AsyncStream<Void>.Continuation]) in
            if !state.order.isEmpty { return (state.pieces.removeValue(forKey: state.order.removeFirst()), []) }
            state.isRunning = false
            defer { state.waiting = [] }
            return (nil, state.waiting)
        }
        for continuation in waiting { continuation.yield() }
        return piece
    }
}
