import NIOCore
import SillokCore

/// What the connections of one event loop share. A turn of the loop serves all of them at once: it runs the tasks of
/// all calls that a group of appends has answered, and then each connection flushes once.
final class CallLoop: Sendable {
    private let flushes: LoopFlushes
    private let executor: (any Sendable)?

    init(_ eventLoop: any EventLoop) {
        flushes = LoopFlushes(eventLoop)
        if #available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *) {
            executor = CallExecutor(eventLoop, flushes)
        } else {
            executor = nil
        }
    }

    /// Starts the task of a call, from the event loop. It runs on the event loop, and at once until its first wait.
    ///
    /// - Parameter keep: gets the task before it runs.
    func start(
        _ body: @escaping @Sendable @concurrent () async -> Void, keeping keep: (Task<Void, Never>) -> Void
    ) {
        if #available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *),
            let executor = executor as? CallExecutor
        {
            return executor.start(body, keeping: keep)
        }
        keep(Task.detached(operation: body))
    }

    /// Flushes a connection at the end of the turn, from the event loop.
    func flush(_ connection: CallConnection) { flushes.add(connection) }
}

/// The call loops of a server, one for each event loop that has connections of it. Safe to use from any thread.
final class CallLoops: Sendable {
    private let loops = Lock([ObjectIdentifier: CallLoop]())

    func loop(of eventLoop: any EventLoop) -> CallLoop {
        loops.withLock { loops in
            if let loop = loops[ObjectIdentifier(eventLoop)] { return loop }
            let loop = CallLoop(eventLoop)
            loops[ObjectIdentifier(eventLoop)] = loop
            return loop
        }
    }
}

/// Runs the tasks of calls on the event loop of their connection, where their answers are written: no thread is
/// changed on the way, and an append that is committed goes straight back to its connection. The event loop is woken
/// once for all tasks that are resumed meanwhile.
@available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *)
private final class CallExecutor: TaskExecutor, @unchecked Sendable {
    private struct Queue {
        var jobs: [UnownedJob] = []
        /// Whether the event loop will take the jobs.
        var isScheduled = false
    }

    private let eventLoop: any EventLoop
    private let flushes: LoopFlushes
    private let queue = Lock(Queue())

    // Only the event loop uses the rest.
    /// Where the first job of a task goes while the task is created.
    private var isStarting = false
    private var first: UnownedJob?
    /// Whether a job runs.
    private var isRunning = false
    /// The jobs of this turn. The array keeps its memory.
    private var jobs: [UnownedJob] = []

    init(_ eventLoop: any EventLoop, _ flushes: LoopFlushes) {
        self.eventLoop = eventLoop
        self.flushes = flushes
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if eventLoop.inEventLoop, isStarting {
            first = job
        } else {
            add(job)
        }
    }

    func start(
        _ body: @escaping @Sendable @concurrent () async -> Void, keeping keep: (Task<Void, Never>) -> Void
    ) {
        isStarting = true
        let task = Task(executorPreference: self, operation: body)
        isStarting = false
        keep(task)
        guard let job = first else { return }
        first = nil
        if isRunning { add(job) } else { run(job) }
    }

    private func add(_ job: UnownedJob) {
        let isScheduled = queue.withLock { queue in
            queue.jobs.append(job)
            defer { queue.isScheduled = true }
            return queue.isScheduled
        }
        if !isScheduled { eventLoop.execute { self.runAll() } }
    }

    private func runAll() {
        queue.withLock { queue in
            swap(&queue.jobs, &jobs)
            queue.isScheduled = false
        }
        flushes.gather {
            for job in jobs { run(job) }
        }
        jobs.removeAll(keepingCapacity: true)
    }

    private func run(_ job: UnownedJob) {
        isRunning = true
        job.runSynchronously(on: asUnownedTaskExecutor())
        isRunning = false
    }
}

/// The connections of an event loop that have something to flush at the end of the turn. Only the event loop uses it.
private final class LoopFlushes: @unchecked Sendable {
    private let eventLoop: any EventLoop
    private var waiting: [CallConnection] = []
    /// Whether those who wait are flushed by the code that runs, or by a task of the event loop.
    private var (isGathering, isScheduled) = (false, false)

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func add(_ connection: CallConnection) {
        waiting.append(connection)
        if isGathering || isScheduled { return }
        isScheduled = true
        eventLoop.execute {
            self.isScheduled = false
            self.flush()
        }
    }

    /// Runs `body`, and then flushes.
    func gather(_ body: () -> Void) {
        isGathering = true
        body()
        flush()
    }

    private func flush() {
        isGathering = true
        var index = 0
        while index < waiting.count {
            waiting[index].flushNow()
            index += 1
        }
        waiting.removeAll(keepingCapacity: true)
        isGathering = false
    }
}
