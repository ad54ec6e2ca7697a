import SillokCore

/// The last pages that the partitions of a projector have read in this process.
///
/// Every partition goes through all events and projects its own. Without this, 64 partitions read the log 64 times.
/// Partitions that are at the same place share one read, and those that are a little behind use its page.
final class PartitionPages: Sendable {
    private enum Entry {
        case reading(Task<EventBatch, any Error>, waiting: Int)
        case read(EventBatch, at: Duration)
    }

    private enum Source {
        case page(EventBatch)
        case task(Task<EventBatch, any Error>)
    }

    private struct State {
        var entries: [EventMark: Entry] = [:]
        /// The marks of the pages that were read, the oldest first.
        var order: [EventMark] = []
    }

    private let state = Lock(State())
    private let elapsed: @Sendable () -> Duration
    private let pollInterval: Duration
    /// The number of pages that are kept, which bounds the memory.
    private static let capacity = 4
    /// How long a page is used, so that an event is not projected long after it was erased.
    private static let longest = Duration.seconds(5)

    init(_ options: ProjectorOptions) {
        elapsed = stopwatch(options.clock)
        pollInterval = options.pollInterval
    }

    /// Returns the page after a mark. It may be a few seconds old; then it contains fewer events than there are.
    ///
    /// - Parameters:
    ///   - isFresh: whether there are events after the mark as far as the caller knows. Otherwise a page without events
    ///     is used for half of a poll interval.
    ///   - read: reads the page; called if no other partition is reading it.
    func page(
        after mark: EventMark, isFresh: Bool, _ read: @escaping @Sendable () async throws -> EventBatch
    ) async throws -> EventBatch {
        let now = elapsed()
        let source = state.withLock { state -> Source in
            switch state.entries[mark] {
            case .read(let page, let time) where isUsable(page, after: mark, isFresh, age: now - time):
                return .page(page)
            case .reading(let task, let waiting):
                state.entries[mark] = .reading(task, waiting: waiting + 1)
                return .task(task)
            case .read, nil:
                state.order.removeAll { $0 == mark }
                let task = Task { try await read() }
                state.entries[mark] = .reading(task, waiting: 1)
                return .task(task)
            }
        }
        switch source {
        case .page(let page): return page
        case .task(let task): return try await result(of: task, after: mark)
        }
    }

    private func result(of task: Task<EventBatch, any Error>, after mark: EventMark) async throws -> EventBatch {
        do {
            let page = try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                leave(mark, task)
            }
            keep(page, after: mark, of: task)
            return page
        } catch {
            state.withLock { state in
                if case .reading(task, _) = state.entries[mark] { state.entries[mark] = nil }
            }
            throw error
        }
    }

    private func isUsable(_ page: EventBatch, after mark: EventMark, _ isFresh: Bool, age: Duration) -> Bool {
        page.through > mark.position ? age < Self.longest : !isFresh && age < pollInterval / 2
    }

    private func keep(_ page: EventBatch, after mark: EventMark, of task: Task<EventBatch, any Error>) {
        let now = elapsed()
        state.withLock { state in
            guard case .reading(task, _) = state.entries[mark] else { return }
            state.entries[mark] = .read(page, at: now)
            state.order.append(mark)
            if state.order.count > Self.capacity { state.entries[state.order.removeFirst()] = nil }
        }
    }

    /// A task that waited was cancelled. The read is cancelled when no other task waits for it.
    private func leave(_ mark: EventMark, _ task: Task<EventBatch, any Error>) {
        let isLast = state.withLock { state in
            guard case .reading(task, let waiting) = state.entries[mark] else { return false }
            state.entries[mark] = waiting > 1 ? .reading(task, waiting: waiting - 1) : nil
            return waiting == 1
        }
        if isLast { task.cancel() }
    }

    /// The number of tasks that wait for the read of the page after a mark.
    func waiting(after mark: EventMark) -> Int {
        state.withLock { state in
            if case .reading(_, let waiting) = state.entries[mark] { waiting } else { 0 }
        }
    }
}
