public import SillokSystem

/// A small state behind a POSIX mutex, with a condition variable.
///
/// All shared state of the library uses it, because the thread sanitizer understands it. On Linux it does not
/// understand `Synchronization.Mutex`. Never hold the lock across an `await`.
///
/// Inlinable, because each append and each command locks several times: a generic call into another target costs as
/// much as the lock.
@usableFromInline
package final class Lock<State>: @unchecked Sendable {
    @usableFromInline let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    @usableFromInline let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    @usableFromInline var state: State

    @inlinable
    package init(_ state: sending State) {
        self.state = state
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    @inlinable
    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` with exclusive access to the state.
    @inlinable
    package func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Blocks the calling *thread* until `body` returns a value; calls it again after every wake-up.
    ///
    /// For threads of our own only, never for the cooperative pool.
    @inlinable
    package func wait<Result>(until body: (inout State) -> sending Result?) -> sending Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            pthread_cond_wait(condition, mutex)
        }
    }

    /// As ``wait(until:)``, for at most a time; `nil` when the time is over.
    @inlinable
    package func wait<Result>(
        for time: Duration, until body: (inout State) -> sending Result?
    ) -> sending Result? {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        let (seconds, fraction) = time.components
        let nanoseconds = Int64(end.tv_nsec) + fraction / 1_000_000_000
        end.tv_sec += Int(clamping: seconds + nanoseconds / 1_000_000_000)
        end.tv_nsec = Int(clamping: nanoseconds % 1_000_000_000)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            if pthread_cond_timedwait(condition, mutex, &end) == ETIMEDOUT { return body(&state) }
        }
    }

    /// Wakes one waiting thread.
    @inlinable
    package func wakeOne() { pthread_cond_signal(condition) }

    /// Wakes all waiting threads.
    @inlinable
    package func wakeAll() { pthread_cond_broadcast(condition) }

    /// Returns the value and leaves `nil`, so that only one caller gets it.
    package func take<Value: Sendable>() -> Value? where State == Value? {
        withLock { value in
            defer { value = nil }
            return value
        }
    }
}

/// Lets other threads run before this thread continues.
@usableFromInline
package func yieldThread() { sched_yield() }

/// Returns the number of processors that are online, at least one.
package func processorCount() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// Starts a thread of our own for work that blocks, so that it never holds up the cooperative pool.
@usableFromInline
package func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    let box = Unmanaged.passRetained(Box(body))
    #if canImport(Darwin)
    var thread: pthread_t?
    let result = pthread_create(
        &thread, &attributes,
        { raw in
            Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    #else
    var thread = pthread_t()
    let result = pthread_create(
        &thread, &attributes,
        { raw in
            if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    #endif
    precondition(result == 0, "the system cannot create a thread (error \(result))")
}
