import NIOCore

/// Runs the tasks of calls on the event loop of their connection, where their answers are written: no thread is
/// changed on the way, and an append that is committed goes straight back to its connection.
struct CallExecutor: Sendable {
    private let executor: (any Sendable)?

    init(_ eventLoop: any EventLoop) {
        if #available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *) {
            executor = EventLoopExecutor(eventLoop)
        } else {
            executor = nil
        }
    }

    func start(_ body: @escaping @Sendable @concurrent () async -> Void) -> Task<Void, Never> {
        if #available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *),
            let executor = executor as? EventLoopExecutor
        {
            return Task(executorPreference: executor, operation: body)
        }
        return Task.detached(operation: body)
    }
}

@available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *)
private final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
