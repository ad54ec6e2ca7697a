import Foundation

/// A value that one thread at a time reads and changes. Where only macOS 15 or Linux matters, use `Mutex` of the module
/// Synchronization, which does the same and lets the compiler check more.
final class Guarded<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
